//! Typed identifiers: a UUIDv7 inside, a short prefix outside.
//!
//! An id sorts by the time it was made, which keeps new rows together in an index. Its text form,
//! `ord_0192…`, is opaque to clients: the prefix tells people and logs what it names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::time::Timestamp;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an id like {prefix}_ followed by 32 hexadecimal digits")]
pub struct IdError {
    /// The prefix that the wanted kind of id carries.
    pub prefix: &'static str,
}

/// What every typed id can do; lets generic code make and store ids of any kind.
pub trait Id: Copy + Eq + Ord + fmt::Display + FromStr<Err = IdError> {
    /// The text before the underscore, such as `ord`.
    const PREFIX: &'static str;
    /// Wraps a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID inside.
    fn uuid(self) -> Uuid;
}

fn parse<T: Id>(text: &str) -> Result<T, IdError> {
    let error = IdError { prefix: T::PREFIX };
    let digits = text
        .strip_prefix(T::PREFIX)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|digits| digits.len() == 32 && !digits.bytes().any(|b| b.is_ascii_uppercase()))
        .ok_or_else(|| error.clone())?;
    Uuid::try_parse(digits).map(T::from_uuid).map_err(|_| error)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                crate::openapi::id($prefix)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::visit_str(deserializer, |text| text.parse().map_err(de::Error::custom))
            }
        }
    )*

        #[cfg(all(test, feature = "openapi"))]
        pub(crate) fn kinds() -> Vec<crate::openapi::Kind> {
            vec![$(crate::openapi::Kind::of::<$name>()),*]
        }
    };
}

ids! {
    /// Names a product.
    ProductId = "prod";
    /// Names a variant of a product.
    VariantId = "var";
    /// Names an image of a product.
    ImageId = "img";
    /// Names a category.
    CategoryId = "cat";
    /// Names a cart.
    CartId = "cart";
    /// Names a line of a cart, and of the order placed from it.
    LineId = "line";
    /// Names an order.
    OrderId = "ord";
    /// Names a fulfilment of an order.
    FulfillmentId = "ful";
    /// Names a payment of an order.
    PaymentId = "pay";
    /// Names a refund of a payment.
    RefundId = "ref";
    /// Names what a gateway is asked to do for a payment.
    OperationId = "op";
    /// Names a customer.
    CustomerId = "cus";
    /// Names an address in a customer's book.
    AddressId = "adr";
    /// Names a place that keeps stock.
    LocationId = "loc";
    /// Names a row of the stock ledger.
    MovementId = "mov";
    /// Names a shipping method.
    ShippingMethodId = "ship";
    /// Names a tax rate.
    TaxRateId = "tax";
    /// Names a back-office API token.
    ApiTokenId = "tok";
    /// Names what a gateway's provider told.
    WebhookId = "whk";
}

/// One operation's time and new ids, fixed once, so that deciding again after a conflict gives
/// the same answer.
///
/// ```
/// use commerce_core::{id::{Moment, OrderId}, time::Timestamp};
///
/// let mut first = Moment::new(Timestamp::UNIX_EPOCH, [7; 16]);
/// let mut again = first.clone();
/// let id: OrderId = first.id();
/// assert_eq!(id, again.id());
/// assert_ne!(id, first.id());
/// ```
#[derive(Debug, Clone)]
pub struct Moment {
    now: Timestamp,
    seed: u128,
    next: u64,
}

impl Moment {
    /// A moment at `now` whose ids follow from `seed`, which must be fresh for each operation.
    pub fn new(now: Timestamp, seed: [u8; 16]) -> Self {
        Self { now, seed: u128::from_le_bytes(seed), next: 0 }
    }

    /// The operation's time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The next fresh id: the time, a counter and 62 bits drawn from the seed.
    pub fn id<T: Id>(&mut self) -> T {
        let bits = self.bits();
        let millis = u64::try_from(self.now.as_millis()).unwrap_or(0) & 0xffff_ffff_ffff;
        let counter = self.next & 0x0fff;
        let high = (millis << 16) | 0x7000 | counter;
        let low = (bits & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        T::from_uuid(Uuid::from_u64_pair(high, low))
    }

    /// 64 bits that follow from the seed; another value at each call.
    pub fn bits(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        // Two rounds of the SplitMix64 finaliser (Steele, Lea, Flood 2014), one for each half of
        // the seed: every bit of the seed reaches every bit of the answer.
        let [low, high] = [self.seed as u64, (self.seed >> 64) as u64];
        mix(mix(low ^ self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(high))
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form_and_refuses_another_kind() {
        let id: OrderId = Moment::new(Timestamp::UNIX_EPOCH, [1; 16]).id();
        assert_eq!(id.to_string().parse::<OrderId>(), Ok(id));
        assert!(id.to_string().parse::<CartId>().is_err());
        assert!(id.to_string().to_uppercase().parse::<OrderId>().is_err());
        assert!("ord_".parse::<OrderId>().is_err());
    }

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let id_at =
            |ms| -> OrderId { Moment::new(Timestamp::from_millis(ms).unwrap(), [9; 16]).id() };
        assert_eq!(id_at(5).uuid().get_version_num(), 7);
        assert!(id_at(1_000) < id_at(1_001));
    }

    #[test]
    fn a_moment_gives_distinct_ids() {
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [3; 16]);
        let ids: std::collections::HashSet<LineId> = (0..10_000).map(|_| moment.id()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
