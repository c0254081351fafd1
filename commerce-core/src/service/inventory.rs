//! Stock.

use serde::{Deserialize, Serialize};

use super::{Commerce, Done};
use crate::{
    access::Caller,
    catalog::{Sellable, Variant},
    error::{Error, Rejection},
    id::{LocationId, ProductId, VariantId},
    inventory::{
        AdjustStock, LevelKey, LowStock, Movement, Reason, SetStock, StockLevel, StockMove,
        available, first,
    },
    shop::Setup,
    store::{Commit, Decision, MovementFilter, Page, PageRequest, StockFilter, VariantRef},
    text::{Label, Note, Sku},
};

/// A variant's stock, as the back office sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StockView {
    /// The variant.
    pub variant_id: VariantId,
    /// The product that it is a variant of.
    pub product_id: ProductId,
    /// Its SKU.
    pub sku: Sku,
    /// Its options in a phrase.
    pub title: Label,
    /// The units in all locations.
    pub on_hand: i64,
    /// Those of them that are promised to orders.
    pub held: i64,
    /// The units that can be bought: those in active locations that are not promised.
    pub available: i64,
    /// The shop is told once fewer units than this are available.
    pub low_stock_threshold: i64,
    /// Its stock in each location.
    pub levels: Vec<StockLevelView>,
}

/// A variant's stock in one location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StockLevelView {
    /// The place.
    pub location_id: LocationId,
    /// The units that are there.
    pub on_hand: i64,
    /// Those of them that are promised to orders.
    pub held: i64,
    /// Those that are not.
    pub available: i64,
}

impl Commerce {
    /// Says how many units of a variant a location has.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`]; as [`SetStock::decide`]; [`Error`].
    pub async fn set_stock(
        &self,
        caller: &Caller,
        variant: VariantId,
        request: &SetStock,
    ) -> Result<Done<StockView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("set_stock", variant, request), |mut moment| {
            Box::pin(async move {
                let (setup, found) = self.stock_inputs(variant).await?;
                let level = level_at(&setup, &found, request.location)?;
                let change = request.decide(&level, &mut moment)?;
                moved(&setup, found, change, Commit::at(moment.now()))
            })
        })
        .await
    }

    /// Adds units of a variant to a location, or takes some away.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`]; as [`AdjustStock::decide`];
    /// [`Rejection::InsufficientStock`] when more would be taken than are available,
    /// [`Rejection::Invalid`] when more would be there than [`StockLevel::UNITS_MAX`]; [`Error`].
    pub async fn adjust_stock(
        &self,
        caller: &Caller,
        variant: VariantId,
        request: &AdjustStock,
    ) -> Result<Done<StockView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("adjust_stock", variant, request), |mut moment| {
            Box::pin(async move {
                let (setup, found) = self.stock_inputs(variant).await?;
                let level = level_at(&setup, &found, request.location)?;
                let change = request.decide(&level, &mut moment)?;
                moved(&setup, found, Some(change), Commit::at(moment.now()))
            })
        })
        .await
    }

    /// Receives units of several variants at a location, in one commit: a delivery.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::NotFound`] for a location or variant that does not
    /// exist; [`Rejection::Invalid`] for a number of units below 1 or past
    /// [`StockLevel::UNITS_MAX`], or more entries than [`Commit::MOVES_MAX`]; [`Error`].
    pub async fn receive_stock(
        &self,
        caller: &Caller,
        location: Option<LocationId>,
        units: &[(VariantId, i64)],
        note: Option<&Note>,
    ) -> Result<Done<()>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("receive_stock", location, units, note), |mut moment| {
            Box::pin(async move {
                let setup = self.setup().await?;
                let location_id = place(&setup, location)?;
                let ids: Vec<_> = units.iter().map(|(id, _)| *id).collect();
                let known = self.store.sellables(&ids).await?;
                let known: std::collections::HashMap<_, _> =
                    known.iter().map(|s| (s.variant.id, s)).collect();
                let mut commit = Commit::at(moment.now());
                let mut after = std::collections::HashMap::new();
                for (index, (variant_id, count)) in units.iter().enumerate() {
                    let Some(sellable) = known.get(variant_id) else {
                        return Err(Rejection::NotFound { what: "variant" }.into());
                    };
                    let level = LevelKey { variant_id: *variant_id, location_id };
                    let before = after.entry(level).or_insert_with(|| level_of(sellable, level));
                    let max = StockLevel::UNITS_MAX - before.on_hand;
                    if !(1..=max).contains(count) {
                        let detail = match max {
                            1.. => format!("must be from 1 to {max}, for which there is room"),
                            _ => "there is no room for more".to_owned(),
                        };
                        return Err(Rejection::invalid(format!("/{index}"), detail).into());
                    }
                    before.on_hand += *count;
                    commit.stock(StockMove {
                        level,
                        on_hand: *count,
                        held: 0,
                        expected_on_hand: None,
                        movement_id: moment.id(),
                        reason: Reason::Received,
                        order_id: None,
                        note: note.cloned(),
                    });
                }
                Ok(Decision { output: (), commit })
            })
        })
        .await
    }

    /// A variant's stock.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`]; [`Error`].
    pub async fn stock_of(&self, caller: &Caller, variant: VariantId) -> Result<StockView, Error> {
        caller.require_back_office()?;
        let (setup, found) = self.stock_inputs(variant).await?;
        Ok(StockView::new(&found.variant, &found.levels, &setup))
    }

    /// The stock of tracked variants, by SKU, page by page.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::Invalid`] for a limit out of its bounds;
    /// [`Error`].
    pub async fn stock(
        &self,
        caller: &Caller,
        filter: &StockFilter,
        page: &PageRequest,
    ) -> Result<Page<StockView>, Error> {
        caller.require_back_office()?;
        page.check()?;
        let setup = self.setup().await?;
        let page = self.queries.stock(filter, page).await?;
        let items = page.items.iter();
        Ok(Page {
            items: items.map(|i| StockView::new(&i.variant, &i.levels, &setup)).collect(),
            next: page.next,
            total: page.total,
        })
    }

    /// The ledger of a variant's stock, the newest row first, page by page.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::Invalid`] for a limit out of its bounds;
    /// [`Error`].
    pub async fn stock_movements(
        &self,
        caller: &Caller,
        filter: &MovementFilter,
        page: &PageRequest,
    ) -> Result<Page<Movement>, Error> {
        caller.require_back_office()?;
        page.check()?;
        self.stock_inputs(filter.variant_id).await?;
        Ok(self.queries.movements(filter, page).await?)
    }

    async fn stock_inputs(&self, variant: VariantId) -> Result<(Setup, Sellable), Error> {
        let setup = self.setup().await?;
        match self.store.variant(&VariantRef::Id(variant)).await? {
            Some(found) => Ok((setup, found)),
            None => Err(Rejection::NotFound { what: "variant" }.into()),
        }
    }
}

impl StockView {
    fn new(variant: &Variant, levels: &[StockLevel], setup: &Setup) -> Self {
        Self {
            variant_id: variant.id,
            product_id: variant.product_id,
            sku: variant.sku.clone(),
            title: variant.title.clone(),
            on_hand: levels.iter().map(|level| level.on_hand).sum(),
            held: levels.iter().map(|level| level.held).sum(),
            available: available(levels, &setup.locations),
            low_stock_threshold: variant.low_stock_threshold,
            levels: levels
                .iter()
                .map(|level| StockLevelView {
                    location_id: level.location_id,
                    on_hand: level.on_hand,
                    held: level.held,
                    available: level.available(),
                })
                .collect(),
        }
    }
}

/// The location that is meant: the one that is named, else the first.
fn place(setup: &Setup, named: Option<LocationId>) -> Result<LocationId, Rejection> {
    let found = match named {
        Some(id) => setup.locations.iter().find(|location| location.id == id),
        None => first(&setup.locations),
    };
    found.map(|location| location.id).ok_or(Rejection::NotFound { what: "location" })
}

fn level_at(
    setup: &Setup,
    found: &Sellable,
    location: Option<LocationId>,
) -> Result<StockLevel, Rejection> {
    let location_id = place(setup, location)?;
    Ok(level_of(found, LevelKey { variant_id: found.variant.id, location_id }))
}

fn level_of(found: &Sellable, key: LevelKey) -> StockLevel {
    let level = found.levels.iter().find(|level| level.key() == key).copied();
    level.unwrap_or(StockLevel::zero(key))
}

/// What a variant's stock comes to after one move.
fn moved(
    setup: &Setup,
    mut found: Sellable,
    change: Option<StockMove>,
    mut commit: Commit,
) -> Result<Decision<StockView>, Error> {
    if let Some(change) = change {
        let key = change.level;
        let before = level_of(&found, key);
        let after = before.moved(change.on_hand, change.held).map_err(|short| {
            if change.on_hand > 0 {
                let detail = format!("must leave at most {} units there", StockLevel::UNITS_MAX);
                return Rejection::invalid("/delta", detail);
            }
            Rejection::InsufficientStock {
                variant_id: found.variant.id,
                sku: found.variant.sku.clone(),
                wanted: short.wanted,
                available: short.available,
            }
        })?;
        commit.watch(LowStock::of(&found.variant, &found.levels, &setup.locations));
        found.levels.retain(|level| level.key() != key);
        found.levels.push(after);
        found.levels.sort_by_key(|level| level.location_id);
        commit.stock(change);
    }
    Ok(Decision { output: StockView::new(&found.variant, &found.levels, setup), commit })
}
