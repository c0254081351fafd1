//! The shop's configuration and locations.

use super::{Commerce, Done};
use crate::{
    access::Caller,
    error::{Error, Rejection},
    event::Event,
    id::LocationId,
    inventory::{CreateLocation, Location, PatchLocation},
    shop::{PatchShop, Setup, Shop},
    store::{Commit, Decision},
    text::Label,
    time::Timestamp,
    version::{Version, Versioned},
};

impl Commerce {
    /// Opens the shop: if the store has none yet, `shop` is its configuration from now on, with one
    /// location. Answers what is in force.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when the configuration breaks a bound; [`Error`].
    pub async fn open(&self, shop: Shop) -> Result<Setup, Error> {
        shop.check()?;
        let caller = Caller::system();
        let shop = &shop;
        self.run(&caller, &"open", |mut moment| {
            Box::pin(async move {
                let mut commit = Commit::at(moment.now());
                if self.store.setup().await?.is_none() {
                    commit.insert(shop.clone());
                    let name = Label::new("Main").map_err(|e| Rejection::invalid("/name", e))?;
                    let request = CreateLocation { name, priority: 0, active: true };
                    commit.insert(Location::create(request, &mut moment));
                    commit.event(Event::ShopUpdated);
                }
                Ok(Decision { output: (), commit })
            })
        })
        .await?;
        self.setup().await
    }

    /// The shop's configuration.
    ///
    /// # Errors
    /// [`Error`]; [`Rejection::NotFound`] before [`Commerce::open`].
    pub async fn shop(&self) -> Result<Versioned<Shop>, Error> {
        Ok(self.setup().await?.shop)
    }

    /// Whether there is a shop and its store takes what is done in it; see
    /// [`Store::ready`](crate::store::Store::ready).
    ///
    /// # Errors
    /// [`Error`]; [`Rejection::NotFound`] before [`Commerce::open`].
    pub async fn ready(&self) -> Result<(), Error> {
        self.store.ready().await?;
        self.setup().await.map(drop)
    }

    /// Replaces the shop's configuration. `expected` is the version that the caller read, if it must
    /// be unchanged since.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::Invalid`], [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn put_shop(
        &self,
        caller: &Caller,
        shop: &Shop,
        expected: Option<Version>,
    ) -> Result<Done<Versioned<Shop>>, Error> {
        caller.require_back_office()?;
        shop.check()?;
        self.run(caller, &("put_shop", shop), |moment| {
            Box::pin(async move {
                let old = self.setup().await?.shop;
                require_version(expected, old.version)?;
                Ok(replace(&old, shop.clone(), moment.now()))
            })
        })
        .await
    }

    /// Changes some of the shop's configuration, as [`put_shop`](Self::put_shop) replaces all of it.
    ///
    /// # Errors
    /// As [`put_shop`](Self::put_shop).
    pub async fn patch_shop(
        &self,
        caller: &Caller,
        request: &PatchShop,
        expected: Option<Version>,
    ) -> Result<Done<Versioned<Shop>>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("patch_shop", request), |mut moment| {
            Box::pin(async move {
                let old = self.setup().await?.shop;
                require_version(expected, old.version)?;
                let shop = old.patch(request.clone(), &mut moment)?;
                Ok(replace(&old, shop, moment.now()))
            })
        })
        .await
    }

    /// The shop's locations, in the order of priority.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Error`].
    pub async fn locations(&self, caller: &Caller) -> Result<Vec<Versioned<Location>>, Error> {
        caller.require_back_office()?;
        let mut locations = self.setup().await?.locations;
        locations.sort_by_key(|location| (location.priority, location.id));
        Ok(locations)
    }

    /// Makes a location.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::Invalid`] when there are
    /// [`Location::COUNT_MAX`] already; [`Error`].
    pub async fn create_location(
        &self,
        caller: &Caller,
        request: &CreateLocation,
    ) -> Result<Done<Versioned<Location>>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("create_location", request), |mut moment| {
            Box::pin(async move {
                let setup = self.setup().await?;
                if setup.locations.len() >= Location::COUNT_MAX {
                    let detail = format!("a shop has at most {} locations", Location::COUNT_MAX);
                    return Err(Rejection::invalid("", detail).into());
                }
                let location = Location::create(request.clone(), &mut moment);
                let mut commit = Commit::at(moment.now());
                let output = commit.insert(location);
                commit.event(Event::ShopUpdated);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Changes a location.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn patch_location(
        &self,
        caller: &Caller,
        id: LocationId,
        request: &PatchLocation,
        expected: Option<Version>,
    ) -> Result<Done<Versioned<Location>>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("patch_location", id, request), |moment| {
            Box::pin(async move {
                let setup = self.setup().await?;
                let Some(old) = setup.locations.iter().find(|location| location.id == id) else {
                    return Err(Rejection::NotFound { what: "location" }.into());
                };
                require_version(expected, old.version)?;
                let location = old.patch(request.clone(), moment.now());
                let mut commit = Commit::at(moment.now());
                if location != *old.value {
                    commit.event(Event::ShopUpdated);
                }
                let output = commit.replace(old, location);
                Ok(Decision { output, commit })
            })
        })
        .await
    }
}

fn replace(old: &Versioned<Shop>, shop: Shop, now: Timestamp) -> Decision<Versioned<Shop>> {
    let mut commit = Commit::at(now);
    if *old.value != shop {
        commit.event(Event::ShopUpdated);
    }
    let output = commit.replace(old, shop);
    Decision { output, commit }
}

/// Refuses a version other than the one that the caller read, if it named one.
pub(super) fn require_version(expected: Option<Version>, actual: Version) -> Result<(), Rejection> {
    match expected {
        Some(expected) if expected != actual => {
            Err(Rejection::VersionMismatch { expected, actual })
        }
        _ => Ok(()),
    }
}
