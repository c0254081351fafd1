//! Currencies by their ISO 4217 codes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a [`Currency`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the ISO 4217 code of a currency in capital letters, such as EUR")]
pub struct CurrencyError;

macro_rules! currencies {
    ($($code:ident $exponent:literal $name:literal;)*) => {
        /// A currency of ISO 4217, list one; one byte. Currencies sort by code.
        ///
        /// Every currency that is in use is here, and those withdrawn since 2025 (`ANG`, `BGN`),
        /// because orders of that time are still read and refunded. Precious metals, units of
        /// account of banks (`XDR`, `XUA`, …), `XTS` and `XXX` are not: they have no minor unit,
        /// and no shop is paid in them.
        ///
        /// ```
        /// use commerce_core::currency::Currency;
        ///
        /// assert_eq!(Currency::parse("JPY").unwrap(), Currency::JPY);
        /// assert_eq!((Currency::KWD.code(), Currency::KWD.exponent()), ("KWD", 3));
        /// assert!(Currency::parse("usd").is_err() && Currency::parse("XXX").is_err());
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Currency {
            $(#[doc = concat!($name, ".")] $code,)*
        }

        static ALL: &[Currency] = &[$(Currency::$code),*];

        impl Currency {
            /// The three letters of ISO 4217.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)* }
            }

            /// How many decimal digits the minor unit has: 0, 2, 3 or 4.
            pub const fn exponent(self) -> u8 {
                match self { $(Self::$code => $exponent,)* }
            }
        }
    };
}

currencies! {
    AED 2 "United Arab Emirates dirham";
    AFN 2 "Afghan afghani";
    ALL 2 "Albanian lek";
    AMD 2 "Armenian dram";
    ANG 2 "Netherlands Antillean guilder, withdrawn in 2025";
    AOA 2 "Angolan kwanza";
    ARS 2 "Argentine peso";
    AUD 2 "Australian dollar";
    AWG 2 "Aruban florin";
    AZN 2 "Azerbaijani manat";
    BAM 2 "Bosnia and Herzegovina convertible mark";
    BBD 2 "Barbados dollar";
    BDT 2 "Bangladeshi taka";
    BGN 2 "Bulgarian lev, withdrawn in 2026";
    BHD 3 "Bahraini dinar";
    BIF 0 "Burundian franc";
    BMD 2 "Bermudian dollar";
    BND 2 "Brunei dollar";
    BOB 2 "Bolivian boliviano";
    BOV 2 "Bolivian mvdol, a unit of funds";
    BRL 2 "Brazilian real";
    BSD 2 "Bahamian dollar";
    BTN 2 "Bhutanese ngultrum";
    BWP 2 "Botswana pula";
    BYN 2 "Belarusian ruble";
    BZD 2 "Belize dollar";
    CAD 2 "Canadian dollar";
    CDF 2 "Congolese franc";
    CHE 2 "WIR euro";
    CHF 2 "Swiss franc";
    CHW 2 "WIR franc";
    CLF 4 "Chilean unidad de fomento, a unit of funds";
    CLP 0 "Chilean peso";
    CNY 2 "Chinese yuan";
    COP 2 "Colombian peso";
    COU 2 "Colombian unidad de valor real, a unit of funds";
    CRC 2 "Costa Rican colón";
    CUP 2 "Cuban peso";
    CVE 2 "Cape Verdean escudo";
    CZK 2 "Czech koruna";
    DJF 0 "Djiboutian franc";
    DKK 2 "Danish krone";
    DOP 2 "Dominican peso";
    DZD 2 "Algerian dinar";
    EGP 2 "Egyptian pound";
    ERN 2 "Eritrean nakfa";
    ETB 2 "Ethiopian birr";
    EUR 2 "Euro";
    FJD 2 "Fiji dollar";
    FKP 2 "Falkland Islands pound";
    GBP 2 "Pound sterling";
    GEL 2 "Georgian lari";
    GHS 2 "Ghanaian cedi";
    GIP 2 "Gibraltar pound";
    GMD 2 "Gambian dalasi";
    GNF 0 "Guinean franc";
    GTQ 2 "Guatemalan quetzal";
    GYD 2 "Guyanese dollar";
    HKD 2 "Hong Kong dollar";
    HNL 2 "Honduran lempira";
    HTG 2 "Haitian gourde";
    HUF 2 "Hungarian forint";
    IDR 2 "Indonesian rupiah";
    ILS 2 "Israeli new shekel";
    INR 2 "Indian rupee";
    IQD 3 "Iraqi dinar";
    IRR 2 "Iranian rial";
    ISK 0 "Icelandic króna";
    JMD 2 "Jamaican dollar";
    JOD 3 "Jordanian dinar";
    JPY 0 "Japanese yen";
    KES 2 "Kenyan shilling";
    KGS 2 "Kyrgyzstani som";
    KHR 2 "Cambodian riel";
    KMF 0 "Comorian franc";
    KPW 2 "North Korean won";
    KRW 0 "South Korean won";
    KWD 3 "Kuwaiti dinar";
    KYD 2 "Cayman Islands dollar";
    KZT 2 "Kazakhstani tenge";
    LAK 2 "Lao kip";
    LBP 2 "Lebanese pound";
    LKR 2 "Sri Lankan rupee";
    LRD 2 "Liberian dollar";
    LSL 2 "Lesotho loti";
    LYD 3 "Libyan dinar";
    MAD 2 "Moroccan dirham";
    MDL 2 "Moldovan leu";
    MGA 2 "Malagasy ariary";
    MKD 2 "Macedonian denar";
    MMK 2 "Myanmar kyat";
    MNT 2 "Mongolian tögrög";
    MOP 2 "Macanese pataca";
    MRU 2 "Mauritanian ouguiya";
    MUR 2 "Mauritian rupee";
    MVR 2 "Maldivian rufiyaa";
    MWK 2 "Malawian kwacha";
    MXN 2 "Mexican peso";
    MXV 2 "Mexican unidad de inversión, a unit of funds";
    MYR 2 "Malaysian ringgit";
    MZN 2 "Mozambican metical";
    NAD 2 "Namibian dollar";
    NGN 2 "Nigerian naira";
    NIO 2 "Nicaraguan córdoba";
    NOK 2 "Norwegian krone";
    NPR 2 "Nepalese rupee";
    NZD 2 "New Zealand dollar";
    OMR 3 "Omani rial";
    PAB 2 "Panamanian balboa";
    PEN 2 "Peruvian sol";
    PGK 2 "Papua New Guinean kina";
    PHP 2 "Philippine peso";
    PKR 2 "Pakistani rupee";
    PLN 2 "Polish złoty";
    PYG 0 "Paraguayan guaraní";
    QAR 2 "Qatari riyal";
    RON 2 "Romanian leu";
    RSD 2 "Serbian dinar";
    RUB 2 "Russian ruble";
    RWF 0 "Rwandan franc";
    SAR 2 "Saudi riyal";
    SBD 2 "Solomon Islands dollar";
    SCR 2 "Seychelles rupee";
    SDG 2 "Sudanese pound";
    SEK 2 "Swedish krona";
    SGD 2 "Singapore dollar";
    SHP 2 "Saint Helena pound";
    SLE 2 "Sierra Leonean leone";
    SOS 2 "Somali shilling";
    SRD 2 "Surinamese dollar";
    SSP 2 "South Sudanese pound";
    STN 2 "São Tomé and Príncipe dobra";
    SVC 2 "Salvadoran colón";
    SYP 2 "Syrian pound";
    SZL 2 "Swazi lilangeni";
    THB 2 "Thai baht";
    TJS 2 "Tajikistani somoni";
    TMT 2 "Turkmenistan manat";
    TND 3 "Tunisian dinar";
    TOP 2 "Tongan paʻanga";
    TRY 2 "Turkish lira";
    TTD 2 "Trinidad and Tobago dollar";
    TWD 2 "New Taiwan dollar";
    TZS 2 "Tanzanian shilling";
    UAH 2 "Ukrainian hryvnia";
    UGX 0 "Ugandan shilling";
    USD 2 "United States dollar";
    USN 2 "United States dollar, next day";
    UYI 0 "Uruguayan peso in indexed units, a unit of funds";
    UYU 2 "Uruguayan peso";
    UYW 4 "Uruguayan unidad previsional, a unit of funds";
    UZS 2 "Uzbekistani sum";
    VED 2 "Venezuelan digital bolívar";
    VES 2 "Venezuelan sovereign bolívar";
    VND 0 "Vietnamese đồng";
    VUV 0 "Vanuatu vatu";
    WST 2 "Samoan tala";
    XAD 2 "Arab accounting dinar";
    XAF 0 "Central African CFA franc";
    XCD 2 "East Caribbean dollar";
    XCG 2 "Caribbean guilder";
    XOF 0 "West African CFA franc";
    XPF 0 "CFP franc";
    YER 2 "Yemeni rial";
    ZAR 2 "South African rand";
    ZMW 2 "Zambian kwacha";
    ZWG 2 "Zimbabwe gold";
}

impl Currency {
    /// The currency with this code.
    ///
    /// # Errors
    /// When no currency has it; codes are capital letters only.
    pub fn parse(code: &str) -> Result<Self, CurrencyError> {
        ALL.binary_search_by(|currency| currency.code().cmp(code))
            .ok()
            .and_then(|at| ALL.get(at).copied())
            .ok_or(CurrencyError)
    }

    /// Every currency, by code.
    pub fn iter() -> impl ExactSizeIterator<Item = Self> + Clone {
        ALL.iter().copied()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(code: &str) -> Result<Self, CurrencyError> {
        Self::parse(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Currency;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the code of a currency")
            }
            fn visit_str<E: de::Error>(self, code: &str) -> Result<Currency, E> {
                Currency::parse(code).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_code_finds_itself() {
        assert!(ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].code() < pair[1].code()));
        for currency in Currency::iter() {
            assert_eq!(currency.code().parse(), Ok(currency));
            assert!(matches!(currency.exponent(), 0 | 2..=4));
            let json = serde_json::to_string(&currency).unwrap();
            assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), currency);
        }
    }

    #[test]
    fn what_is_no_currency_in_use_is_refused() {
        for bad in ["", "usd", "US", "USDX", " USD", "XXX", "XTS", "XAU", "DEM", "HRK", "€"] {
            assert_eq!(Currency::parse(bad), Err(CurrencyError), "{bad:?}");
        }
        for bad in ["\"Eur\"", "978", "null", "[\"EUR\"]"] {
            assert!(serde_json::from_str::<Currency>(bad).is_err(), "{bad}");
        }
    }

    /// ISO 4217, list one: every currency whose minor unit is not a hundredth.
    #[test]
    fn the_exponents_of_iso_4217() {
        let with = |exponent| {
            Currency::iter().filter(|c| c.exponent() == exponent).map(Currency::code).collect()
        };
        let codes: [Vec<&str>; 3] = [with(0), with(3), with(4)];
        assert_eq!(
            codes[0].join(" "),
            "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
        );
        assert_eq!(codes[1].join(" "), "BHD IQD JOD KWD LYD OMR TND");
        assert_eq!(codes[2].join(" "), "CLF UYW");
    }
}
