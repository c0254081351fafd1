//! Products, variants, images and categories.

use super::{Commerce, Done, shop::require_version};
use crate::{
    access::Caller,
    catalog::{
        Audience, Category, Changed, CreateCategory, CreateImage, CreateProduct, CreateVariant,
        Image, PatchCategory, PatchImage, PatchProduct, PatchVariant, Product, ProductStatus,
        ProductView, Related, Variant, VariantView,
    },
    currency::Currency,
    error::{Error, FieldError, Rejection},
    event::Event,
    id::{CategoryId, ImageId, Moment, ProductId, VariantId},
    patch::set,
    shop::Setup,
    store::{
        CategoryRef, Commit, Decision, Page, PageRequest, ProductFilter, ProductInputs,
        ProductQuery, ProductRef, ProductSort, VariantRef,
    },
    version::{Version, Versioned},
};

impl Commerce {
    /// A product, with prices in a currency, the shop's if none is named. Shop clients see active
    /// products only.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Error`].
    pub async fn product(
        &self,
        caller: &Caller,
        by: &ProductRef,
        currency: Option<Currency>,
    ) -> Result<ProductView, Error> {
        let (setup, inputs) = self.product_inputs(by).await?;
        if !caller.is_back_office() && !inputs.product.is_visible() {
            return Err(Rejection::NotFound { what: "product" }.into());
        }
        Ok(ProductView::new(&inputs, &setup.locations, audience(caller, &setup, currency)))
    }

    /// Products, page by page. Shop clients see active products only, whatever status they ask for.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for a limit out of its bounds; [`Error`].
    pub async fn products(
        &self,
        caller: &Caller,
        query: &ProductQuery,
    ) -> Result<Page<ProductView>, Error> {
        let setup = self.setup().await?;
        let audience = audience(caller, &setup, Some(query.currency));
        let mut query = query.clone();
        if !caller.is_back_office() {
            query.filter.status = Some(ProductStatus::Active);
        }
        query.page.check()?;
        let page = self.queries.products(&query).await?;
        let items = page.items.iter();
        Ok(Page {
            items: items
                .map(|inputs| ProductView::new(inputs, &setup.locations, audience))
                .collect(),
            next: page.next,
            total: page.total,
        })
    }

    /// Makes a product, with its variants.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::Invalid`], [`Rejection::Taken`]; [`Error`].
    pub async fn create_product(
        &self,
        caller: &Caller,
        request: &CreateProduct,
    ) -> Result<Done<ProductView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("create_product", request), |mut moment| {
            Box::pin(async move {
                let setup = self.setup().await?;
                request.check_variants()?;
                let product = Product::create(request, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                let Product { categories, related, .. } = &product;
                self.require_links(None, categories, related, &mut commit).await?;
                let mut variants = Vec::with_capacity(request.variants.len());
                for (index, fields) in request.variants.iter().enumerate() {
                    let position = u32::try_from(index).unwrap_or(u32::MAX);
                    let variant = Variant::create(fields, &product, position, &mut moment)
                        .map_err(|rejection| rejection.within(&format!("/variants/{index}")))?;
                    variants.push(commit.insert(variant));
                }
                commit.event(Event::ProductCreated { product_id: product.id });
                let product = commit.insert(product);
                let inputs = ProductInputs { product, variants, levels: Vec::new() };
                let audience = audience(caller, &setup, None);
                let output = ProductView::new(&inputs, &setup.locations, audience);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Changes a product.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::Invalid`],
    /// [`Rejection::Taken`], [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn patch_product(
        &self,
        caller: &Caller,
        id: ProductId,
        request: &PatchProduct,
        expected: Option<Version>,
    ) -> Result<Done<ProductView>, Error> {
        self.change_product(caller, id, expected, &("patch_product", id, request), |old, moment| {
            old.patch(request, moment)
        })
        .await
    }

    /// Takes a product out of the shop. Orders that have it keep what they need.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`].
    pub async fn archive_product(
        &self,
        caller: &Caller,
        id: ProductId,
        expected: Option<Version>,
    ) -> Result<Done<ProductView>, Error> {
        let request =
            PatchProduct { status: Some(ProductStatus::Archived), ..PatchProduct::default() };
        self.patch_product(caller, id, &request, expected).await
    }

    /// Adds a picture to a product.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`].
    pub async fn add_image(
        &self,
        caller: &Caller,
        id: ProductId,
        request: &CreateImage,
        expected: Option<Version>,
    ) -> Result<Done<ProductView>, Error> {
        self.change_product(caller, id, expected, &("add_image", id, request), |old, moment| {
            let mut product = (*old.product.value).clone();
            let image =
                Image { id: moment.id(), url: request.url.clone(), alt: request.alt.clone() };
            let end = product.images.len();
            let at = request.position.map_or(end, |position| end.min(position as usize));
            product.images.insert(at, image);
            old.checked(product, moment)
        })
        .await
    }

    /// Changes a picture of a product, or its place.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`].
    pub async fn patch_image(
        &self,
        caller: &Caller,
        id: ProductId,
        image_id: ImageId,
        request: &PatchImage,
        expected: Option<Version>,
    ) -> Result<Done<ProductView>, Error> {
        let name = ("patch_image", id, image_id, request);
        self.change_product(caller, id, expected, &name, |old, moment| {
            let mut product = (*old.product.value).clone();
            let index = place_of(&product.images, image_id)?;
            let mut image = product.images.remove(index);
            set(&mut image.url, request.url.clone());
            set(&mut image.alt, request.alt.clone());
            let at = request.position.map_or(index, |position| position as usize);
            product.images.insert(at.min(product.images.len()), image);
            old.checked(product, moment)
        })
        .await
    }

    /// Removes a picture from a product. Variants that it showed are shown by the first one.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`].
    pub async fn remove_image(
        &self,
        caller: &Caller,
        id: ProductId,
        image_id: ImageId,
        expected: Option<Version>,
    ) -> Result<Done<ProductView>, Error> {
        let name = ("remove_image", id, image_id);
        self.change_product(caller, id, expected, &name, |old, moment| {
            let mut product = (*old.product.value).clone();
            let index = place_of(&product.images, image_id)?;
            product.images.remove(index);
            old.checked(product, moment)
        })
        .await
    }

    async fn change_product(
        &self,
        caller: &Caller,
        id: ProductId,
        expected: Option<Version>,
        name: &(dyn std::fmt::Debug + Sync),
        change: impl Fn(&ProductInputs, &mut Moment) -> Result<Changed, Rejection> + Send + Sync,
    ) -> Result<Done<ProductView>, Error> {
        caller.require_back_office()?;
        let change = &change;
        self.run(caller, name, |mut moment| {
            Box::pin(async move {
                let (setup, inputs) = self.product_inputs(&ProductRef::Id(id)).await?;
                let old = &inputs.product;
                require_version(expected, old.version)?;
                let changed = change(&inputs, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                let Product { categories, related, .. } = &changed.product;
                self.require_links(Some(old), categories, related, &mut commit).await?;
                let archived = changed.product.status == ProductStatus::Archived
                    && old.status != ProductStatus::Archived;
                let (product, variants) = changed.write(&inputs, &mut commit);
                if !commit.is_empty() {
                    commit.event(if archived {
                        Event::ProductArchived { product_id: id }
                    } else {
                        Event::ProductUpdated { product_id: id }
                    });
                }
                let inputs = ProductInputs { product, variants, levels: inputs.levels };
                let audience = audience(caller, &setup, None);
                let output = ProductView::new(&inputs, &setup.locations, audience);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Refuses a product that newly stands in a category, or points to a product, that does not
    /// exist. Categories must be there still when the product is written, and whoever removes one
    /// must have seen the product.
    pub(super) async fn require_links(
        &self,
        old: Option<&Product>,
        categories: &[CategoryId],
        related: &[Related],
        commit: &mut Commit,
    ) -> Result<(), Error> {
        let mut errors = Vec::new();
        for (index, id) in categories.iter().enumerate() {
            if old.is_some_and(|old| old.categories.contains(id)) {
                continue;
            }
            match self.store.category(&CategoryRef::Id(*id)).await? {
                Some(category) => commit.lean_on(&*category),
                None => {
                    let pointer = format!("/categories/{index}");
                    errors.push(FieldError::new(pointer, "must be a category"));
                }
            }
        }
        for (index, related) in related.iter().enumerate() {
            let by = ProductRef::Id(related.product_id);
            if old.is_none_or(|old| !old.related.contains(related))
                && self.store.product(&by).await?.is_none()
            {
                let pointer = format!("/related/{index}/product_id");
                errors.push(FieldError::new(pointer, "must be a product"));
            }
        }
        Ok(Rejection::unless_valid(errors)?)
    }

    async fn product_inputs(&self, by: &ProductRef) -> Result<(Setup, ProductInputs), Error> {
        if let Some(found) = self.store.product_with_setup(by).await? {
            return Ok(found);
        }
        // There may be no shop.
        self.setup().await?;
        Err(Rejection::NotFound { what: "product" }.into())
    }

    /// A variant. Shop clients see active variants of active products only.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Error`].
    pub async fn variant(&self, caller: &Caller, by: &VariantRef) -> Result<VariantView, Error> {
        let setup = self.setup().await?;
        let found = self
            .store
            .variant(by)
            .await?
            .filter(|sellable| caller.is_back_office() || sellable.require_active().is_ok());
        let Some(found) = found else {
            return Err(Rejection::NotFound { what: "variant" }.into());
        };
        let audience = audience(caller, &setup, None);
        Ok(VariantView::new(&found.variant, &found.levels, &setup.locations, audience))
    }

    /// Adds a variant to a product, after its others.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`].
    pub async fn create_variant(
        &self,
        caller: &Caller,
        product_id: ProductId,
        request: &CreateVariant,
        expected: Option<Version>,
    ) -> Result<Done<VariantView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("create_variant", product_id, request), |mut moment| {
            Box::pin(async move {
                let (setup, inputs) = self.product_inputs(&ProductRef::Id(product_id)).await?;
                require_version(expected, inputs.product.version)?;
                if inputs.variants.len() >= Product::VARIANTS_MAX {
                    let detail =
                        format!("a product has at most {} variants", Product::VARIANTS_MAX);
                    return Err(Rejection::invalid("", detail).into());
                }
                let position = inputs.variants.iter().map(|v| v.position + 1).max().unwrap_or(0);
                let variant = Variant::create(request, &inputs.product, position, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                // The options that the variant has values for must still be the product's, and
                // whoever changes them must have seen the variant.
                commit.touch(&inputs.product);
                let variant = commit.insert(variant);
                commit.event(Event::ProductUpdated { product_id });
                let audience = audience(caller, &setup, None);
                let output = VariantView::new(&variant, &[], &setup.locations, audience);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Changes a variant.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`].
    pub async fn patch_variant(
        &self,
        caller: &Caller,
        id: VariantId,
        request: &PatchVariant,
        expected: Option<Version>,
    ) -> Result<Done<VariantView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("patch_variant", id, request), |moment| {
            Box::pin(async move {
                let setup = self.setup().await?;
                let Some(found) = self.store.variant(&VariantRef::Id(id)).await? else {
                    return Err(Rejection::NotFound { what: "variant" }.into());
                };
                let product_id = found.variant.product_id;
                let Some(inputs) = self.store.product(&ProductRef::Id(product_id)).await? else {
                    return Err(Rejection::NotFound { what: "variant" }.into());
                };
                let Some(old) = inputs.variants.iter().find(|variant| variant.id == id) else {
                    return Err(Rejection::NotFound { what: "variant" }.into());
                };
                require_version(expected, old.version)?;
                let variant = old.patch(request.clone(), &inputs.product, moment.now())?;
                let mut commit = Commit::at(moment.now());
                if variant != *old.value {
                    commit.require(&inputs.product);
                    commit.event(Event::ProductUpdated { product_id });
                }
                let variant = commit.replace(old, variant);
                let audience = audience(caller, &setup, None);
                let levels = inputs.levels_of(id);
                let output = VariantView::new(&variant, &levels, &setup.locations, audience);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// The categories that the caller may see: all for the back office, else the active ones whose
    /// ancestors are active too. Siblings stand in their order.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn categories(&self, caller: &Caller) -> Result<Vec<Versioned<Category>>, Error> {
        let mut seen = self.store.categories().await?;
        if !caller.is_back_office() {
            let shown = Category::shown(&seen);
            seen.retain(|category| shown.contains(&category.id));
            seen.iter_mut().for_each(without_metadata);
        }
        seen.sort_by(|a, b| (a.position, &a.title, a.id).cmp(&(b.position, &b.title, b.id)));
        Ok(seen)
    }

    /// A category.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Error`].
    pub async fn category(
        &self,
        caller: &Caller,
        by: &CategoryRef,
    ) -> Result<Versioned<Category>, Error> {
        let all = self.store.categories().await?;
        let found = all.iter().find(|category| match by {
            CategoryRef::Id(id) => category.id == *id,
            CategoryRef::Slug(slug) => category.slug == *slug,
        });
        let seen =
            found.filter(|c| caller.is_back_office() || Category::shown(&all).contains(&c.id));
        let Some(mut category) = seen.cloned() else {
            return Err(Rejection::NotFound { what: "category" }.into());
        };
        if !caller.is_back_office() {
            without_metadata(&mut category);
        }
        Ok(category)
    }

    /// Makes a category.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::Invalid`], [`Rejection::Taken`]; [`Error`].
    pub async fn create_category(
        &self,
        caller: &Caller,
        request: &CreateCategory,
    ) -> Result<Done<Versioned<Category>>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("create_category", request), |mut moment| {
            Box::pin(async move {
                let tree = self.store.categories().await?;
                let category = Category::create(request.clone(), &tree, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                stand_below(&category, &tree, &mut commit)?;
                commit.event(Event::CategoryUpdated { category_id: category.id });
                let output = commit.insert(category);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Changes a category.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`].
    pub async fn patch_category(
        &self,
        caller: &Caller,
        id: CategoryId,
        request: &PatchCategory,
        expected: Option<Version>,
    ) -> Result<Done<Versioned<Category>>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("patch_category", id, request), |moment| {
            Box::pin(async move {
                let tree = self.store.categories().await?;
                let Some(old) = tree.iter().find(|category| category.id == id) else {
                    return Err(Rejection::NotFound { what: "category" }.into());
                };
                require_version(expected, old.version)?;
                let category = old.patch(request.clone(), &tree, moment.now())?;
                let mut commit = Commit::at(moment.now());
                if category.parent_id != old.parent_id {
                    stand_below(&category, &tree, &mut commit)?;
                }
                if category != *old.value {
                    commit.event(Event::CategoryUpdated { category_id: id });
                }
                let output = commit.replace(old, category);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Removes a category that has none below it. Products that were in it are not any more.
    ///
    /// # Errors
    /// As [`Commerce::patch_product`]; [`Rejection::InvalidTransition`] when others are below it, or
    /// more than [`Category::REMOVED_PRODUCTS_MAX`] products are in it.
    pub async fn remove_category(
        &self,
        caller: &Caller,
        id: CategoryId,
        expected: Option<Version>,
    ) -> Result<Done<()>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("remove_category", id), |moment| {
            Box::pin(async move {
                let tree = self.store.categories().await?;
                let Some(old) = tree.iter().find(|category| category.id == id) else {
                    return Err(Rejection::NotFound { what: "category" }.into());
                };
                require_version(expected, old.version)?;
                if tree.iter().any(|category| category.parent_id == Some(id)) {
                    return Err(Rejection::transition("category", "others are below it").into());
                }
                let mut commit = Commit::at(moment.now());
                commit.remove(old);
                commit.event(Event::CategoryUpdated { category_id: id });
                self.empty_category(id, &mut commit).await?;
                Ok(Decision { output: (), commit })
            })
        })
        .await
    }

    /// Takes a category's products out of it.
    async fn empty_category(&self, id: CategoryId, commit: &mut Commit) -> Result<(), Error> {
        let filter = ProductFilter { categories: Some(vec![id]), ..ProductFilter::default() };
        let mut query = ProductQuery {
            filter,
            currency: self.setup().await?.shop.currency,
            sort: Some(ProductSort::CreatedAt),
            descending: false,
            page: PageRequest::first(PageRequest::LIMIT_MAX),
        };
        let mut count = 0;
        loop {
            let page = self.queries.products(&query).await?;
            for inputs in &page.items {
                let old = &inputs.product;
                let mut product = (*old.value).clone();
                product.categories.retain(|category| *category != id);
                product.touch(old, commit.time());
                commit.replace(old, product);
                commit.event(Event::ProductUpdated { product_id: old.id });
            }
            count += page.items.len();
            if count > Category::REMOVED_PRODUCTS_MAX {
                let max = Category::REMOVED_PRODUCTS_MAX;
                let why = format!("more than {max} products are in it; hide it instead");
                return Err(Rejection::transition("category", why).into());
            }
            match page.next {
                Some(next) => query.page.after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

impl ProductInputs {
    /// The product after a change of its pictures.
    fn checked(&self, mut product: Product, moment: &Moment) -> Result<Changed, Rejection> {
        product.check()?;
        product.touch(&self.product, moment.now());
        Ok(self.with(product, moment))
    }
}

/// Makes a commit depend on all that is above a category's new place. Two moves at once could make a
/// circle that neither of them makes alone; and a parent that is removed meanwhile would leave the
/// category hanging, so that the parent gets a new version, which its removal must find.
fn stand_below(
    category: &Category,
    tree: &[Versioned<Category>],
    commit: &mut Commit,
) -> Result<(), Rejection> {
    for (distance, ancestor) in category.ancestors(tree)?.iter().enumerate() {
        if distance == 0 {
            commit.touch(ancestor);
        } else {
            commit.require(ancestor);
        }
    }
    Ok(())
}

/// The category as shop clients see it.
fn without_metadata(category: &mut Versioned<Category>) {
    if !category.metadata.is_empty() {
        let shown = Category { metadata: serde_json::Map::new(), ..(*category.value).clone() };
        category.value = shown.into();
    }
}

fn place_of(images: &[Image], id: ImageId) -> Result<usize, Rejection> {
    images.iter().position(|image| image.id == id).ok_or(Rejection::NotFound { what: "image" })
}

pub(super) fn audience(caller: &Caller, setup: &Setup, currency: Option<Currency>) -> Audience {
    Audience {
        currency: currency.unwrap_or(setup.shop.currency),
        back_office: caller.is_back_office(),
    }
}
