//! What holds for every quote.
