"""Stripe's own library for Python: makes, reads and refunds; then believes a signed delivery."""

import sys
import urllib.parse
import urllib.request

import stripe

url, key, secret, *delivery = sys.argv[1:]
client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)


def refused(call, kind, **expected):
    """Expects a refusal of one kind."""
    try:
        call()
    except kind as error:
        for name, value in expected.items():
            assert getattr(error, name) == value, (name, getattr(error, name))
    else:
        raise AssertionError(f"expected {kind}")


if delivery:
    signature, body = delivery
    event = stripe.Webhook.construct_event(body, signature, secret)
    refused(lambda: stripe.Webhook.construct_event(body + " ", signature, secret), stripe.SignatureVerificationError)
    refused(lambda: stripe.Webhook.construct_event(body, signature, secret + "x"), stripe.SignatureVerificationError)
    print("believed", event.type)
    sys.exit(0)

asked = {
    "mode": "payment",
    "client_reference_id": "order_1",
    "metadata": {"studio": "flow-studio", "account": "ana", "order": "order_1"},
    "line_items": [
        {"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 1999, "product_data": {"name": "5,000 credits"}}}
    ],
    "success_url": "http://127.0.0.1:9/back?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://127.0.0.1:9/away",
}
once = {"idempotency_key": "order_1"}
session = client.v1.checkout.sessions.create(asked, once)
assert client.v1.checkout.sessions.create(asked, once).id == session.id
refused(lambda: client.v1.checkout.sessions.create({**asked, "client_reference_id": "x"}, once), stripe.IdempotencyError)
refused(lambda: client.v1.checkout.sessions.retrieve("cs_test_none"), stripe.InvalidRequestError, code="resource_missing")
refused(lambda: client.v1.checkout.sessions.create({**asked, "mode": "x"}), stripe.InvalidRequestError, param="mode")


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: nobody serves the address."""

    def redirect_request(self, *_):
        return None


form = urllib.parse.urlencode({"number": "4242424242424242"}).encode()
try:
    urllib.request.build_opener(Stay).open(session.url, form)
except urllib.error.HTTPError as back:
    assert back.headers["location"].endswith(session.id)

read = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
assert (read.status, read.payment_status, read.amount_total) == ("complete", "paid", 1999)
assert read.metadata["order"] == "order_1"
charge = read.payment_intent.latest_charge
assert charge.paid and not charge.disputed

events = [event.type for event in client.v1.events.list({"limit": 2}).auto_paging_iter()]
assert "checkout.session.completed" in events, events

part = client.v1.refunds.create({"payment_intent": read.payment_intent.id, "amount": 500})
assert (part.status, part.amount) == ("succeeded", 500)
refused(
    lambda: client.v1.refunds.create({"payment_intent": read.payment_intent.id, "amount": 1500}),
    stripe.InvalidRequestError,
    param="amount",
)
assert client.v1.charges.retrieve(charge.id).amount_refunded == 500

price = {"currency": "eur", "unit_amount": 2900, "recurring": {"interval": "month"}, "product_data": {"name": "Pro"}}
plan = client.v1.checkout.sessions.create(
    {"mode": "subscription", "line_items": [{"quantity": 1, "price_data": price}], "success_url": "http://127.0.0.1:9/back"}
)
try:
    urllib.request.build_opener(Stay).open(plan.url, form)
except urllib.error.HTTPError as back:
    assert back.code == 303
joined = client.v1.checkout.sessions.retrieve(plan.id).subscription
ending = client.v1.subscriptions.update(joined, {"cancel_at_period_end": True, "metadata": {"ending": "known"}})
assert (ending.status, ending.cancel_at_period_end, ending.metadata["ending"]) == ("active", True, "known")
assert [invoice.amount_paid for invoice in client.v1.invoices.list({"subscription": joined, "status": "paid"}).data] == [2900]
assert client.v1.subscriptions.cancel(joined).status == "canceled"
client.v1.refunds.create({"payment_intent": read.payment_intent.id, "amount": 1})
print("made")
