// Stripe's own package drives every operation of the fake, and must find what it expects of Stripe.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { shop, start } from "./fake.mjs";

let fake, stripe;
before(async () => {
  fake = await start();
  stripe = fake.stripe;
});
after(() => fake.stop());

const card = (amount, payment_method, more = {}) =>
  stripe.paymentIntents.create({ amount, currency: "eur", payment_method, confirm: true, ...more });

/** The error that a promise ends with. */
const error = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("it should have failed");
};

test("payment intents", async () => {
  const made = await stripe.paymentIntents.create({
    amount: 1250,
    currency: "eur",
    metadata: { order: "7" },
    automatic_payment_methods: { enabled: true },
  });
  assert.equal(made.status, "requires_payment_method");
  assert.match(made.client_secret, new RegExp(`^${made.id}_secret_`));
  const updated = await stripe.paymentIntents.update(made.id, { metadata: { order: "8", more: "x" } });
  assert.deepEqual(updated.metadata, { order: "8", more: "x" });
  const paid = await stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" });
  assert.equal(paid.status, "succeeded");
  const seen = await stripe.paymentIntents.retrieve(made.id, {
    expand: ["latest_charge.balance_transaction", "payment_method"],
  });
  assert.equal(seen.latest_charge.payment_method_details.card.brand, "visa");
  assert.equal(seen.latest_charge.balance_transaction.amount, 1250);
  assert.equal(seen.payment_method.card.last4, "4242");
  assert.equal(seen.lastResponse.statusCode, 200);
  assert.match(seen.lastResponse.requestId, /^req_/);
});

test("holds", async () => {
  const held = await card(1000, "pm_card_visa", { capture_method: "manual" });
  assert.equal(held.status, "requires_capture");
  const taken = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 600 });
  assert.deepEqual([taken.amount_received, taken.amount_capturable], [600, 0]);
  const other = await card(1000, "pm_card_visa", { capture_method: "manual" });
  const cancelled = await stripe.paymentIntents.cancel(other.id, {
    cancellation_reason: "requested_by_customer",
  });
  assert.equal(cancelled.status, "canceled");
  const late = await error(stripe.paymentIntents.capture(other.id));
  assert.equal(late.type, "StripeInvalidRequestError");
  assert.equal(late.code, "payment_intent_unexpected_state");
  assert.equal(late.payment_intent.status, "canceled");
});

test("declined cards", async () => {
  const declined = await error(card(1000, "pm_card_chargeDeclinedInsufficientFunds"));
  assert.equal(declined.type, "StripeCardError");
  assert.equal(declined.rawType, "card_error");
  assert.equal(declined.statusCode, 402);
  assert.equal(declined.code, "card_declined");
  assert.equal(declined.decline_code, "insufficient_funds");
  assert.equal(declined.payment_intent.status, "requires_payment_method");
  assert.match(declined.charge, /^ch_/);
});

test("three-d-secure", async () => {
  const asked = await card(1000, "pm_card_authenticationRequired", {
    return_url: "https://shop.example/back",
  });
  assert.equal(asked.status, "requires_action");
  assert.equal(asked.next_action.type, "redirect_to_url");
  const answer = await fetch(asked.next_action.redirect_to_url.url, {
    method: "POST",
    body: "answer=complete",
    redirect: "manual",
  });
  const back = new URL(answer.headers.get("location"));
  assert.equal(back.searchParams.get("redirect_status"), "succeeded");
  assert.equal(back.searchParams.get("payment_intent"), asked.id);
  assert.equal((await stripe.paymentIntents.retrieve(asked.id)).status, "succeeded");
});

test("a browser confirms with the publishable key and the client secret", async () => {
  const made = await stripe.paymentIntents.create({ amount: 900, currency: "eur" });
  const browser = fake.client();
  const options = { apiKey: "pk_test_fake" };
  const paid = await browser.paymentIntents.confirm(
    made.id,
    { payment_method: "pm_card_visa", client_secret: made.client_secret },
    options,
  );
  assert.equal(paid.status, "succeeded");
  const curious = await error(browser.charges.list({}, options));
  assert.equal(curious.type, "StripePermissionError");
  const stranger = await error(browser.charges.list({}, { apiKey: "sk_test_wrong" }));
  assert.equal(stranger.type, "StripeAuthenticationError");
});

test("checkout sessions", async () => {
  const item = (name, unit_amount, quantity = 1) => ({
    price_data: { currency: "eur", product_data: { name }, unit_amount },
    quantity,
  });
  const form = {
    mode: "payment",
    success_url: "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
    cancel_url: "https://shop.example/cart",
    line_items: [item("Mug", 1250, 2), item("Tax", 99)],
    payment_intent_data: { metadata: { payment: "pay_1" } },
  };
  const session = await stripe.checkout.sessions.create(form);
  assert.deepEqual([session.status, session.amount_total], ["open", 2599]);
  const page = await fetch(session.url);
  assert.match(await page.text(), /Pay 25\.99 EUR/);
  const paid = await fetch(session.url, {
    method: "POST",
    body: "email=a@example.com&card_number=4242424242424242&expiry=12/34&cvc=123",
    redirect: "manual",
  });
  assert.equal(
    paid.headers.get("location"),
    `https://shop.example/done?session=${session.id}`,
  );
  const done = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ["payment_intent.latest_charge", "line_items"],
  });
  assert.deepEqual([done.status, done.payment_status], ["complete", "paid"]);
  assert.equal(done.payment_intent.latest_charge.amount, 2599);
  assert.equal(done.payment_intent.metadata.payment, "pay_1");
  assert.equal(done.line_items.data[0].amount_total, 2500);
  const items = await stripe.checkout.sessions.listLineItems(session.id);
  assert.equal(items.data.length, 2);
  const other = await stripe.checkout.sessions.create(form);
  assert.equal((await stripe.checkout.sessions.expire(other.id)).status, "expired");
  const again = await error(stripe.checkout.sessions.expire(session.id));
  assert.equal(again.type, "StripeInvalidRequestError");
  const of = await stripe.checkout.sessions.list({ payment_intent: done.payment_intent.id });
  assert.deepEqual(of.data.map((session) => session.id), [session.id]);
});

test("customers and the cards that are kept for them", async () => {
  const customer = await stripe.customers.create({ email: "ada@example.com", metadata: { a: "1" } });
  await stripe.customers.update(customer.id, { name: "Ada" });
  assert.equal((await stripe.customers.retrieve(customer.id)).name, "Ada");
  const setup = await stripe.setupIntents.create({ customer: customer.id, usage: "off_session" });
  const done = await stripe.setupIntents.confirm(setup.id, { payment_method: "pm_card_visa" });
  assert.equal(done.status, "succeeded");
  const [kept] = (await stripe.customers.listPaymentMethods(customer.id)).data;
  assert.equal(kept.customer, customer.id);
  assert.equal((await stripe.paymentMethods.retrieve(kept.id)).card.brand, "visa");
  const away = await card(700, kept.id, { customer: customer.id, off_session: true });
  assert.equal(away.status, "succeeded");
  await stripe.paymentMethods.detach(kept.id);
  const typed = await stripe.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
  await stripe.paymentMethods.attach(typed.id, { customer: customer.id });
  const listed = await stripe.paymentMethods.list({ customer: customer.id, type: "card" });
  assert.deepEqual(listed.data.map((method) => method.id), [typed.id]);
  const cancelled = await stripe.setupIntents.create({});
  assert.equal((await stripe.setupIntents.cancel(cancelled.id)).status, "canceled");
  assert.equal((await stripe.setupIntents.retrieve(setup.id)).status, "succeeded");
  assert.ok((await stripe.setupIntents.list({ customer: customer.id })).data.length);
  assert.equal((await stripe.customers.list({ email: "ada@example.com" })).data.length, 1);
  assert.equal((await stripe.customers.del(customer.id)).deleted, true);
  assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
});

test("refunds", async () => {
  const paid = await card(1000, "pm_card_visa");
  const half = await stripe.refunds.create({
    payment_intent: paid.id,
    amount: 500,
    reason: "requested_by_customer",
    metadata: { refund: "ref_1" },
  });
  assert.deepEqual([half.status, half.metadata.refund], ["succeeded", "ref_1"]);
  assert.equal((await stripe.refunds.retrieve(half.id)).amount, 500);
  const over = await error(stripe.refunds.create({ payment_intent: paid.id, amount: 501 }));
  assert.equal(over.type, "StripeInvalidRequestError");
  await stripe.refunds.create({ charge: paid.latest_charge });
  const twice = await error(stripe.refunds.create({ charge: paid.latest_charge }));
  assert.equal(twice.code, "charge_already_refunded");
  const charge = await stripe.charges.retrieve(paid.latest_charge, { expand: ["refunds"] });
  assert.deepEqual([charge.refunded, charge.refunds.data.length], [true, 2]);
  assert.equal((await stripe.refunds.list({ payment_intent: paid.id })).data.length, 2);

  const bad = await card(1000, "pm_card_refundFail");
  const refund = await stripe.refunds.create({ payment_intent: bad.id });
  await fake.pull("advance", { seconds: 60 });
  const failed = await stripe.refunds.retrieve(refund.id);
  assert.deepEqual([failed.status, failed.failure_reason], ["failed", "expired_or_canceled_card"]);
});

test("disputes", async () => {
  const paid = await card(1000, "pm_card_createDispute");
  const [dispute] = (await stripe.disputes.list({ payment_intent: paid.id })).data;
  assert.equal(dispute.status, "needs_response");
  const won = await stripe.disputes.update(dispute.id, {
    evidence: { uncategorized_text: "winning_evidence" },
  });
  assert.equal(won.status, "won");
  const other = await card(1000, "pm_card_createDisputeProductNotReceived");
  const [second] = (await stripe.disputes.list({ charge: other.latest_charge })).data;
  assert.equal((await stripe.disputes.close(second.id)).status, "lost");
  assert.equal((await stripe.disputes.retrieve(second.id)).reason, "product_not_received");
});

test("lists are followed to their end, and the books balance", async () => {
  const charges = await stripe.charges
    .list({ limit: 3, expand: ["data.balance_transaction"] })
    .autoPagingToArray({ limit: 1000 });
  const booked = charges.filter((charge) => charge.balance_transaction);
  assert.ok(booked.length > 5);
  for (const charge of booked) {
    assert.equal(charge.balance_transaction.amount, charge.amount_captured);
  }
  const rows = await stripe.balanceTransactions
    .list({ limit: 7, type: "charge" })
    .autoPagingToArray({ limit: 1000 });
  assert.deepEqual(rows.map((row) => row.source), booked.map((charge) => charge.id));
  const row = await stripe.balanceTransactions.retrieve(rows[0].id);
  assert.equal(row.net, row.amount - row.fee);
  assert.ok((await stripe.paymentIntents.list({ limit: 100 })).data.length);
  const events = await stripe.events
    .list({ limit: 50, types: ["charge.refunded", "charge.dispute.created"] })
    .autoPagingToArray({ limit: 1000 });
  assert.ok(events.some((event) => event.type === "charge.refunded"));
  assert.ok(events.some((event) => event.type === "charge.dispute.created"));
  assert.equal((await stripe.events.retrieve(events[0].id)).id, events[0].id);
});

test("idempotency keys", async () => {
  const form = { amount: 1000, currency: "eur" };
  const options = { idempotencyKey: "key-1" };
  const first = await stripe.paymentIntents.create(form, options);
  const again = await stripe.paymentIntents.create(form, options);
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  const other = await error(stripe.paymentIntents.create({ ...form, amount: 1 }, options));
  assert.equal(other.type, "StripeIdempotencyError");
  await fake.pull("advance", { seconds: 24 * 60 * 60 });
  const pruned = await stripe.paymentIntents.create(form, options);
  assert.notEqual(pruned.id, first.id);

  // While the first is held, the second is told that it is.
  await fake.pull("fault", { operation: "create_customer", fault: "hold" });
  const client = fake.client({ maxNetworkRetries: 0 });
  const held = { idempotencyKey: "key-2" };
  const both = [client.customers.create({}, held), client.customers.create({}, held)];
  const inUse = await error(Promise.race(both));
  assert.deepEqual([inUse.statusCode, inUse.code], [409, "idempotency_key_in_use"]);
  await fake.pull("release");
  const settled = await Promise.allSettled(both);
  assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1);
});

test("the package retries over every fault under its key, with one effect", async () => {
  const client = fake.client({ maxNetworkRetries: 2, timeout: 500 });
  for (const fault of [
    "unavailable",
    "hang_before",
    "hang_after",
    "drop_before",
    { drop_after: { bytes: 0 } },
    { drop_after: { bytes: 100 } },
  ]) {
    const before = (await stripe.customers.list({ limit: 100 })).data.length;
    await fake.pull("fault", { operation: "create_customer", fault });
    const made = await client.customers.create({ name: JSON.stringify(fault) });
    assert.match(made.id, /^cus_/);
    const after = (await stripe.customers.list({ limit: 100 })).data.length;
    assert.equal(after, before + 1, JSON.stringify(fault));
  }
  // It gives up on an answer whose head arrived; under the same key the caller gets it.
  await fake.pull("fault", { operation: "create_customer", fault: { drop_after: { bytes: 600 } } });
  const key = { idempotencyKey: "key-3" };
  assert.equal((await error(client.customers.create({}, key))).type, "StripeConnectionError");
  const again = await client.customers.create({}, key);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  const limited = fake.client({ maxNetworkRetries: 0 });
  await fake.pull("fault", { operation: "create_customer", fault: "rate_limited" });
  assert.equal((await error(limited.customers.create({}))).type, "StripeRateLimitError");
  // A 500 after the effect is remembered: retries get it again, and nothing is done twice.
  await fake.pull("fault", { operation: "create_customer", fault: "fail_after" });
  const failed = await error(client.customers.create({ name: "half" }));
  assert.equal(failed.type, "StripeAPIError");
  const half = (await stripe.customers.list({ limit: 100 })).data.filter(
    ({ name }) => name === "half",
  );
  assert.equal(half.length, 1);
});

test("mistakes", async () => {
  for (const [form, code] of [
    [{ amount: 49, currency: "eur" }, "amount_too_small"],
    [{ amount: 1000, currency: "eur", custmer: "x" }, "parameter_unknown"],
    [{ currency: "eur" }, "parameter_missing"],
    [{ amount: 1000, currency: "eur", customer: "cus_none" }, "resource_missing"],
  ]) {
    assert.equal((await error(stripe.paymentIntents.create(form))).code, code);
  }
  for (const [amount, currency] of [[5124, "kwd"], [550, "isk"], [550, "ugx"]]) {
    const refused = await error(stripe.paymentIntents.create({ amount, currency }));
    assert.equal(refused.type, "StripeInvalidRequestError");
  }
  for (const [amount, currency] of [[5120, "kwd"], [50000, "isk"], [500, "jpy"], [500, "mga"]]) {
    assert.equal((await stripe.paymentIntents.create({ amount, currency })).amount, amount);
  }
});

test("webhooks are signed as the package expects", async () => {
  const { url, wait, received, stop } = await shop();
  const endpoint = await stripe.webhookEndpoints.create({
    url,
    enabled_events: ["payment_intent.succeeded"],
  });
  assert.match(endpoint.secret, /^whsec_/);
  assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, undefined);
  const paid = await card(1000, "pm_card_visa");
  await wait(1);
  const [{ body, signature }] = received;
  const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
  assert.equal(event.type, "payment_intent.succeeded");
  assert.equal(event.data.object.id, paid.id);
  assert.throws(() => stripe.webhooks.constructEvent(body, signature, "whsec_other"));
  assert.throws(() =>
    stripe.webhooks.constructEvent(JSON.stringify(JSON.parse(body)), signature, endpoint.secret),
  );
  // During rotation both secrets verify.
  const renewed = await fake.pull("roll_secret", { id: endpoint.id });
  await fake.pull("webhook_fault", { kind: "*", fault: "twice" });
  await card(1000, "pm_card_visa");
  await wait(3);
  for (const secret of [endpoint.secret, renewed]) {
    const ids = received.slice(1).map(
      ({ body, signature }) => stripe.webhooks.constructEvent(body, signature, secret).id,
    );
    assert.equal(ids[0], ids[1]);
  }
  assert.equal((await stripe.webhookEndpoints.list()).data.length, 1);
  assert.equal((await stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
  stop();
});

test("every operation of the fake was driven", async () => {
  const calls = JSON.parse(await fake.pull("calls"));
  const driven = new Set(calls.map(({ operation }) => operation));
  const all = JSON.parse(await fake.pull("operations"));
  assert.deepEqual(all.filter((operation) => !driven.has(operation)), []);
});
