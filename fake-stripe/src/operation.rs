//! What the API can be asked, and by which address.

use serde::Deserialize;

macro_rules! operations {
    ($($method:literal $path:literal $operation:ident;)*) => {
        /// One thing that the API can be asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Operation {
            $(#[doc = concat!("`", $method, " /v1", $path, "`.")] $operation,)*
        }

        static ROUTES: &[(&str, &str, Operation)] =
            &[$(($method, $path, Operation::$operation)),*];

        impl Operation {
            /// Every operation.
            pub const ALL: &[Self] = &[$(Self::$operation),*];
        }
    };
}

operations! {
    "POST" "/payment_intents" CreatePaymentIntent;
    "GET" "/payment_intents" ListPaymentIntents;
    "GET" "/payment_intents/:id" RetrievePaymentIntent;
    "POST" "/payment_intents/:id" UpdatePaymentIntent;
    "POST" "/payment_intents/:id/confirm" ConfirmPaymentIntent;
    "POST" "/payment_intents/:id/capture" CapturePaymentIntent;
    "POST" "/payment_intents/:id/cancel" CancelPaymentIntent;
    "POST" "/checkout/sessions" CreateCheckoutSession;
    "GET" "/checkout/sessions" ListCheckoutSessions;
    "GET" "/checkout/sessions/:id" RetrieveCheckoutSession;
    "GET" "/checkout/sessions/:id/line_items" ListCheckoutSessionLineItems;
    "POST" "/checkout/sessions/:id/expire" ExpireCheckoutSession;
    "POST" "/customers" CreateCustomer;
    "GET" "/customers" ListCustomers;
    "GET" "/customers/:id" RetrieveCustomer;
    "POST" "/customers/:id" UpdateCustomer;
    "DELETE" "/customers/:id" DeleteCustomer;
    "GET" "/customers/:id/payment_methods" ListCustomerPaymentMethods;
    "POST" "/setup_intents" CreateSetupIntent;
    "GET" "/setup_intents" ListSetupIntents;
    "GET" "/setup_intents/:id" RetrieveSetupIntent;
    "POST" "/setup_intents/:id/confirm" ConfirmSetupIntent;
    "POST" "/setup_intents/:id/cancel" CancelSetupIntent;
    "POST" "/payment_methods" CreatePaymentMethod;
    "GET" "/payment_methods" ListPaymentMethods;
    "GET" "/payment_methods/:id" RetrievePaymentMethod;
    "POST" "/payment_methods/:id/attach" AttachPaymentMethod;
    "POST" "/payment_methods/:id/detach" DetachPaymentMethod;
    "POST" "/refunds" CreateRefund;
    "GET" "/refunds" ListRefunds;
    "GET" "/refunds/:id" RetrieveRefund;
    "GET" "/charges" ListCharges;
    "GET" "/charges/:id" RetrieveCharge;
    "GET" "/disputes" ListDisputes;
    "GET" "/disputes/:id" RetrieveDispute;
    "POST" "/disputes/:id" UpdateDispute;
    "POST" "/disputes/:id/close" CloseDispute;
    "GET" "/balance_transactions" ListBalanceTransactions;
    "GET" "/balance_transactions/:id" RetrieveBalanceTransaction;
    "GET" "/events" ListEvents;
    "GET" "/events/:id" RetrieveEvent;
    "POST" "/webhook_endpoints" CreateWebhookEndpoint;
    "GET" "/webhook_endpoints" ListWebhookEndpoints;
    "GET" "/webhook_endpoints/:id" RetrieveWebhookEndpoint;
    "DELETE" "/webhook_endpoints/:id" DeleteWebhookEndpoint;
}

impl Operation {
    /// What a method and a path, without `/v1`, ask for, and the id that the path names.
    pub(crate) fn of<'a>(method: &str, path: &'a str) -> Option<(Self, &'a str)> {
        ROUTES.iter().find_map(|(on, pattern, operation)| {
            if *on != method {
                return None;
            }
            let (mut given, mut wanted) = (path.split('/'), pattern.split('/'));
            let mut id = "";
            loop {
                match (given.next(), wanted.next()) {
                    (None, None) => return Some((*operation, id)),
                    (Some(part), Some(":id")) if !part.is_empty() => id = part,
                    (Some(part), Some(wanted)) if part == wanted => {}
                    _ => return None,
                }
            }
        })
    }

    /// Whether a browser may ask it with a publishable key and the object's client secret.
    pub(crate) fn is_public(self) -> bool {
        matches!(
            self,
            Self::RetrievePaymentIntent
                | Self::ConfirmPaymentIntent
                | Self::RetrieveSetupIntent
                | Self::ConfirmSetupIntent
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_leads_to_its_operation() {
        for (method, pattern, operation) in ROUTES {
            let path = pattern.replace(":id", "x_1");
            let id = if pattern.contains(":id") { "x_1" } else { "" };
            assert_eq!(Operation::of(method, &path), Some((*operation, id)), "{method} {pattern}");
        }
        assert_eq!(Operation::of("GET", "/refunds/"), None);
        assert_eq!(Operation::of("PUT", "/refunds"), None);
        assert_eq!(Operation::ALL.len(), ROUTES.len());
    }
}
