//! Carts.

use serde::{Deserialize, Serialize};

use super::{Commerce, Done, shop::require_version};
use crate::{
    access::{Actor, Caller},
    cart::{
        AddLine, Cart, CartStatus, CartView, ChangeLine, CheckoutInputs, CreateCart, Origin,
        PatchCart,
    },
    error::{Error, Rejection},
    event::Event,
    id::{CartId, CustomerId, LineId, Moment, VariantId},
    pricing::ShippingMethod,
    store::{Commit, CustomerRef, Decision},
    version::{Version, Versioned},
};

/// A cart that was made, with the secret that it answers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedCart {
    /// The cart.
    #[serde(flatten)]
    pub cart: CartView,
    /// The secret of a guest's cart, shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl CreatedCart {
    /// Who may change the cart and check it out: whoever has its secret, if `by` was nobody known,
    /// else who made it.
    ///
    /// ```
    /// # use commerce_core::{Commerce, Error, access::Caller, cart::CreateCart};
    /// # async fn example(shop: Commerce) -> Result<(), Error> {
    /// let visitor = Caller::anonymous();
    /// let made = shop.create_cart(&visitor, &CreateCart::default()).await?;
    /// let guest = made.caller(&visitor);
    /// assert!(shop.cart(&visitor, made.cart.id).await.is_err());
    /// assert!(shop.cart(&guest, made.cart.id).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn caller(&self, by: &Caller) -> Caller {
        let secret = self.token.as_ref().and_then(|token| token.parse().ok());
        secret.as_ref().map_or_else(|| Caller::new(by.actor.clone()), Caller::guest)
    }
}

impl Commerce {
    /// Makes a cart. A signed-in customer who has an open one gets that, as it is. What the back
    /// office makes is a draft, on whose lines it may set prices.
    ///
    /// # Errors
    /// As [`Cart::create`]; [`Error`].
    pub async fn create_cart(
        &self,
        caller: &Caller,
        request: &CreateCart,
    ) -> Result<Done<CreatedCart>, Error> {
        let secret = self.secret();
        let secret = &secret;
        self.run(caller, &("create_cart", request), |mut moment| {
            Box::pin(async move {
                if let Actor::Customer(id) = caller.actor
                    && let Some(open) = self.store.open_cart(id).await?
                {
                    let inputs = self.cart_inputs(caller, open.id, &[]).await?;
                    let cart = CartView::of(&inputs)?;
                    let output = CreatedCart { cart, token: None };
                    return Ok(Decision { output, commit: Commit::at(moment.now()) });
                }
                let setup = self.setup().await?;
                let request = &self.with_defaults(caller, request).await?;
                let variants: Vec<_> = request.lines.iter().map(|line| line.variant_id).collect();
                let sellables = self.store.sellables(&variants).await?;
                let answers = matches!(caller.actor, Actor::Guest(_) | Actor::Anonymous);
                let digest = answers.then(|| secret.digest());
                let cart = Cart::create(request, &setup, &sellables, caller, digest, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                commit.event(Event::CartCreated { cart_id: cart.id });
                commit.insert(cart.clone());
                let cart = Versioned::new(Version::FIRST, cart);
                let inputs = CheckoutInputs { setup, cart, sellables };
                let cart = CartView::of(&inputs)?;
                let output = CreatedCart { cart, token: answers.then(|| secret.reveal()) };
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// A cart at the prices of the moment.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], also for somebody else's; [`Error`].
    pub async fn cart(&self, caller: &Caller, id: CartId) -> Result<CartView, Error> {
        Ok(CartView::of(&self.cart_inputs(caller, id, &[]).await?)?)
    }

    /// A customer's open cart, if there is one.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], also for somebody else's; [`Error`].
    pub async fn open_cart(&self, caller: &Caller, of: CustomerId) -> Result<CartView, Error> {
        match self.store.open_cart(of).await? {
            Some(cart) => self.cart(caller, cart.id).await,
            None => Err(Rejection::NotFound { what: "cart" }.into()),
        }
    }

    /// Puts more units of a variant into a cart. `expected` is the version that the caller read, if it must
    /// be unchanged since; so it is for every change of a cart.
    ///
    /// # Errors
    /// As [`Cart::add_line`]; [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn add_line(
        &self,
        caller: &Caller,
        id: CartId,
        request: &AddLine,
        expected: Option<Version>,
    ) -> Result<Done<CartView>, Error> {
        let also = [request.variant_id];
        let name = ("add_line", id, request);
        self.change_cart(caller, (id, expected), &also, &name, |inputs, moment| {
            Cart::add_line(inputs, request, caller, moment)
        })
        .await
    }

    /// Changes how many units a line of a cart has.
    ///
    /// # Errors
    /// As [`Cart::change_line`]; [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn change_line(
        &self,
        caller: &Caller,
        id: CartId,
        line_id: LineId,
        request: &ChangeLine,
        expected: Option<Version>,
    ) -> Result<Done<CartView>, Error> {
        let name = ("change_line", id, line_id, request);
        self.change_cart(caller, (id, expected), &[], &name, |inputs, moment| {
            Cart::change_line(inputs, line_id, request, moment.now())
        })
        .await
    }

    /// Removes a line from a cart.
    ///
    /// # Errors
    /// As [`Cart::remove_line`]; [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn remove_line(
        &self,
        caller: &Caller,
        id: CartId,
        line_id: LineId,
        expected: Option<Version>,
    ) -> Result<Done<CartView>, Error> {
        self.change_cart(
            caller,
            (id, expected),
            &[],
            &("remove_line", id, line_id),
            |inputs, moment| inputs.cart.remove_line(line_id, &inputs.setup, moment.now()),
        )
        .await
    }

    /// Removes all lines from a cart.
    ///
    /// # Errors
    /// As [`Cart::clear`]; [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn clear_cart(
        &self,
        caller: &Caller,
        id: CartId,
        expected: Option<Version>,
    ) -> Result<Done<CartView>, Error> {
        self.change_cart(caller, (id, expected), &[], &("clear_cart", id), |inputs, moment| {
            inputs.cart.clear(&inputs.setup, moment.now())
        })
        .await
    }

    /// Changes what a cart says besides its lines.
    ///
    /// # Errors
    /// As [`Cart::patch`]; [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn patch_cart(
        &self,
        caller: &Caller,
        id: CartId,
        request: &PatchCart,
        expected: Option<Version>,
    ) -> Result<Done<CartView>, Error> {
        self.change_cart(
            caller,
            (id, expected),
            &[],
            &("patch_cart", id, request),
            |inputs, moment| inputs.cart.patch(request, &inputs.setup, moment.now()),
        )
        .await
    }

    /// The ways to send a cart, with what each of them costs it.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], also for somebody else's; [`Error`].
    pub async fn shipping_options(
        &self,
        caller: &Caller,
        id: CartId,
    ) -> Result<Vec<(ShippingMethod, CartView)>, Error> {
        Ok(CartView::shipping_options(&self.cart_inputs(caller, id, &[]).await?)?)
    }

    /// Moves a guest's lines into a customer's cart, which is made if there is none: what a server
    /// does when a guest signs in. `guest` must own the guest's cart, and `customer` be signed in.
    ///
    /// # Errors
    /// As [`Cart::merge`]; [`Rejection::Forbidden`] when `customer` is not one; [`Error`].
    pub async fn merge_cart(
        &self,
        customer: &Caller,
        guest: &Caller,
        guest_cart: CartId,
    ) -> Result<Done<CartView>, Error> {
        let Actor::Customer(owner) = customer.actor else {
            return Err(Rejection::Forbidden.into());
        };
        self.run(customer, &("merge_cart", guest_cart), |mut moment| {
            Box::pin(async move {
                let theirs = self.cart_inputs(guest, guest_cart, &[]).await?;
                if theirs.cart.customer_id.is_some() || theirs.cart.origin != Origin::Storefront {
                    return Err(Rejection::NotFound { what: "cart" }.into());
                }
                let also: Vec<_> = theirs.cart.lines.iter().map(|line| line.variant_id).collect();
                let strategy = theirs.setup.shop.cart_merge;
                let mut commit = Commit::at(moment.now());
                let open = match self.store.open_cart(owner).await? {
                    Some(open) => self.store.checkout_inputs(open.id, &also).await?,
                    None => None,
                };
                let output = match open.filter(|own| own.cart.status == CartStatus::Open) {
                    Some(own) => {
                        let merged = Cart::merge(&own, &theirs.cart, strategy, &mut moment)?;
                        commit.event(Event::CartUpdated { cart_id: own.cart.id });
                        commit.replace(&own.cart, merged.customer.clone());
                        commit.replace(&theirs.cart, merged.guest);
                        changed(own, merged.customer)?
                    }
                    None => {
                        let mut own = theirs.clone();
                        own.cart = self.new_cart_like(customer, &theirs, &mut moment).await?;
                        let merged = Cart::merge(&own, &theirs.cart, strategy, &mut moment)?;
                        commit.event(Event::CartCreated { cart_id: own.cart.id });
                        commit.insert(merged.customer.clone());
                        commit.replace(&theirs.cart, merged.guest);
                        own.cart = Versioned::new(Version::FIRST, merged.customer);
                        CartView::of(&own)?
                    }
                };
                let (cart_id, into_cart_id) = (guest_cart, output.id);
                commit.event(Event::CartMerged { cart_id, into_cart_id });
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// A customer's new cart, in the currency of a guest's.
    async fn new_cart_like(
        &self,
        customer: &Caller,
        theirs: &CheckoutInputs,
        moment: &mut Moment,
    ) -> Result<Versioned<Cart>, Error> {
        let request = CreateCart {
            currency: Some(theirs.cart.currency),
            email: theirs.cart.email.clone(),
            shipping_address: theirs.cart.shipping_address.clone(),
            billing_address: theirs.cart.billing_address.clone(),
            ..CreateCart::default()
        };
        let request = self.with_defaults(customer, &request).await?;
        let cart = Cart::create(&request, &theirs.setup, &[], customer, None, moment)?;
        Ok(Versioned::new(Version::FIRST, cart))
    }

    /// The request with what is known of the customer whose cart it makes, who must exist.
    async fn with_defaults(
        &self,
        caller: &Caller,
        request: &CreateCart,
    ) -> Result<CreateCart, Error> {
        let owner = match caller.actor {
            Actor::Customer(id) => Some(id),
            _ => request.customer_id.filter(|_| caller.is_back_office()),
        };
        let Some(id) = owner else { return Ok(request.clone()) };
        match self.store.customer(&CustomerRef::Id(id)).await? {
            Some(customer) => Ok(request.clone().with_defaults_of(&customer)),
            None => Err(Rejection::NotFound { what: "customer" }.into()),
        }
    }

    async fn change_cart(
        &self,
        caller: &Caller,
        (id, expected): (CartId, Option<Version>),
        also: &[VariantId],
        name: &(dyn std::fmt::Debug + Sync),
        change: impl Fn(&CheckoutInputs, &mut Moment) -> Result<Cart, Rejection> + Send + Sync,
    ) -> Result<Done<CartView>, Error> {
        let change = &change;
        self.run(caller, name, |mut moment| {
            Box::pin(async move {
                let inputs = self.cart_inputs(caller, id, also).await?;
                require_version(expected, inputs.cart.version)?;
                let cart = change(&inputs, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                commit.event(Event::CartUpdated { cart_id: id });
                commit.replace(&inputs.cart, cart.clone());
                Ok(Decision { output: changed(inputs, cart)?, commit })
            })
        })
        .await
    }

    pub(super) async fn cart_inputs(
        &self,
        caller: &Caller,
        id: CartId,
        also: &[VariantId],
    ) -> Result<CheckoutInputs, Error> {
        let found = self.store.checkout_inputs(id, also).await?;
        // Somebody else's cart and one that does not exist look the same.
        found
            .filter(|inputs| may_use(caller, inputs))
            .ok_or_else(|| Rejection::NotFound { what: "cart" }.into())
    }
}

/// Whether a cart is the caller's. A draft is the back office's alone, whoever it is for: its lines
/// may have prices that no client may multiply.
pub(super) fn may_use(caller: &Caller, inputs: &CheckoutInputs) -> bool {
    let cart = &inputs.cart;
    caller.owns(cart.customer_id, cart.secret)
        && (caller.is_back_office() || cart.origin == Origin::Storefront)
}

fn changed(mut inputs: CheckoutInputs, cart: Cart) -> Result<CartView, Rejection> {
    if cart != *inputs.cart.value {
        inputs.cart = Versioned::new(inputs.cart.version.next(), cart);
    }
    CartView::of(&inputs)
}
