//! Readers for the files that other shop systems export.

pub mod shopify;
