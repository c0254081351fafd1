//! Prices, taxes and discounts through the public API: published examples, and what always holds.

#[cfg(test)]
mod case;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
