// Stripe's own library for Node: makes, reads and refunds; then believes a signed delivery.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const Stripe = createRequire(process.env.STRIPE_LIBRARY + "/")("stripe");
const [url, key, secret, signature, body] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const stripe = new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });

if (signature !== undefined) {
  const event = stripe.webhooks.constructEvent(body, signature, secret);
  assert.equal(event.object, "event");
  assert.throws(() => stripe.webhooks.constructEvent(body + " ", signature, secret), /signature/i);
  assert.throws(() => stripe.webhooks.constructEvent(body, signature, secret + "x"), /signature/i);
  console.log("believed", event.type);
  process.exit(0);
}

const asked = {
  mode: "payment",
  client_reference_id: "order_1",
  metadata: { studio: "flow-studio", account: "ana", order: "order_1" },
  line_items: [{ quantity: 1, price_data: { currency: "eur", unit_amount: 1999, product_data: { name: "5,000 credits" } } }],
  payment_intent_data: { setup_future_usage: "off_session", metadata: { order: "order_1" } },
  customer_creation: "always",
  success_url: "http://127.0.0.1:9/back?session={CHECKOUT_SESSION_ID}",
  cancel_url: "http://127.0.0.1:9/away",
};
const session = await stripe.checkout.sessions.create(asked, { idempotencyKey: "order_1" });
const again = await stripe.checkout.sessions.create(asked, { idempotencyKey: "order_1" });
assert.equal(again.id, session.id);
assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
await assert.rejects(
  stripe.checkout.sessions.create({ ...asked, client_reference_id: "order_2" }, { idempotencyKey: "order_1" }),
  { type: "StripeIdempotencyError" },
);
await assert.rejects(stripe.checkout.sessions.retrieve("cs_test_none"), { type: "StripeInvalidRequestError", statusCode: 404, code: "resource_missing" });
await assert.rejects(stripe.checkout.sessions.create({ ...asked, colour: "blue" }), { code: "parameter_unknown", param: "colour" });
await assert.rejects(new Stripe("sk_test_wrong", { host: hostname, port, protocol: "http", maxNetworkRetries: 0 }).customers.retrieve("cus_1"), { type: "StripeAuthenticationError" });

const pay = (number) => fetch(session.url, { method: "POST", body: new URLSearchParams({ number }), redirect: "manual" });
assert.equal((await pay("4000000000000002")).status, 200);
const paid = await pay("4242424242424242");
assert.equal(paid.headers.get("location"), `http://127.0.0.1:9/back?session=${session.id}`);

const read = await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent.latest_charge", "customer"] });
assert.deepEqual([read.status, read.payment_status, read.amount_total, read.currency], ["complete", "paid", 1999, "eur"]);
assert.equal(read.payment_intent.latest_charge.paid, true);
assert.equal(read.customer.object, "customer");

const away = { amount: 999, currency: "eur", customer: read.customer.id, off_session: true, confirm: true };
const later = await stripe.paymentIntents.create({ ...away, payment_method: read.payment_intent.payment_method });
assert.equal(later.status, "succeeded");
await assert.rejects(stripe.paymentIntents.create({ ...away, payment_method: "pm_card_chargeCustomerFail" }), { type: "StripeCardError", code: "card_declined", decline_code: "generic_decline" });
await assert.rejects(stripe.paymentIntents.create({ ...away, payment_method: "pm_card_authenticationRequired" }), { type: "StripeCardError", code: "authentication_required" });

const made = [];
for await (const one of stripe.events.list({ limit: 3 })) made.push(one.type);
assert.ok(made.includes("checkout.session.completed") && made.includes("payment_intent.succeeded"), made.join());

const payment_intent = read.payment_intent.id;
const part = await stripe.refunds.create({ payment_intent, amount: 500, reason: "requested_by_customer" });
assert.deepEqual([part.status, part.amount], ["succeeded", 500]);
await assert.rejects(stripe.refunds.create({ payment_intent, amount: 1500 }), { type: "StripeInvalidRequestError", param: "amount" });
await stripe.refunds.create({ payment_intent });
assert.equal((await stripe.refunds.list({ payment_intent })).data.length, 2);
assert.equal((await stripe.charges.retrieve(read.payment_intent.latest_charge.id)).refunded, true);
const price_data = { currency: "eur", unit_amount: 2900, recurring: { interval: "month" }, product_data: { name: "Pro" } };
const plan = await stripe.checkout.sessions.create({
  mode: "subscription",
  line_items: [{ quantity: 1, price_data }],
  subscription_data: { metadata: { ...asked.metadata, plan: "pro" } },
  success_url: asked.success_url,
});
await fetch(plan.url, { method: "POST", body: new URLSearchParams({ number: "4242424242424242" }), redirect: "manual" });
const joined = await stripe.checkout.sessions.retrieve(plan.id, { expand: ["subscription"] });
const item = joined.subscription.items.data[0];
assert.deepEqual([joined.subscription.status, joined.subscription.metadata.plan], ["active", "pro"]);
const product = await stripe.products.create({ name: "Max" });
const changed = await stripe.subscriptions.update(joined.subscription.id, {
  items: [{ id: item.id, price_data: { currency: "eur", unit_amount: 4900, recurring: { interval: "month" }, product: product.id } }],
  proration_behavior: "none",
  cancel_at_period_end: true,
  metadata: { plan: "max", ending: "known" },
});
assert.deepEqual([changed.items.data[0].price.unit_amount, changed.cancel_at_period_end, changed.metadata.plan], [4900, true, "max"]);
const back = await stripe.subscriptions.update(changed.id, { cancel_at_period_end: false, metadata: { ending: "" } });
assert.deepEqual([back.cancel_at_period_end, back.metadata.ending], [false, undefined]);
const invoices = await stripe.invoices.list({ subscription: changed.id, status: "paid" });
assert.deepEqual(invoices.data.map((invoice) => invoice.amount_paid), [2900]);
assert.equal((await stripe.subscriptions.cancel(changed.id)).status, "canceled");
assert.equal((await stripe.paymentIntents.list({ customer: read.customer.id })).data.length, 4);
assert.equal((await stripe.paymentMethods.detach(read.payment_intent.payment_method)).customer, null);
await stripe.refunds.create({ payment_intent: later.id });
console.log("made");
