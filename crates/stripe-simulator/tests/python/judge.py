"""Stripe's own library against the simulator. Called by tests/python.rs with what to do as the first argument."""

import json
import sys
import urllib.request

import stripe


def objects(base_url, endpoint_url):
    stripe.api_base = base_url
    stripe.api_key = "sk_test_simulator"
    stripe.WebhookEndpoint.create(url=endpoint_url, enabled_events=["*"])
    product = stripe.Product.create(id="small", name="Small", metadata={"plan": "small"})
    price = stripe.Price.create(
        product=product.id, currency="eur", unit_amount=900, recurring={"interval": "month"}, lookup_key="small_eur"
    )
    assert [it.id for it in stripe.Price.list(lookup_keys=["small_eur"], expand=["data.product"])] == [price.id]

    session = stripe.checkout.Session.create(
        mode="subscription",
        line_items=[{"price": price.id, "quantity": 1}],
        success_url="https://howdah.example/done",
        subscription_data={"metadata": {"instance": "birds"}},
        idempotency_key="session-1",
    )
    pay(base_url, session.id)
    session = stripe.checkout.Session.retrieve(session.id, expand=["subscription.latest_invoice.payments"])
    assert (session.status, session.subscription.status) == ("complete", "active")
    assert session.subscription.latest_invoice.payments.data[0].status == "paid"

    for number in range(12):
        stripe.InvoiceItem.create(customer=session.customer, amount=number, currency="eur", description=f"Item {number}")
    amounts = [it.amount for it in stripe.InvoiceItem.list(customer=session.customer, limit=5).auto_paging_iter()]
    assert amounts == list(reversed(range(12))), amounts
    preview = stripe.Invoice.create_preview(subscription=session.subscription.id)
    assert preview.amount_due == 900 + sum(range(12)), preview.amount_due

    stripe.Subscription.modify(session.subscription.id, cancel_at_period_end=True)
    assert stripe.Subscription.cancel(session.subscription.id).status == "canceled"
    try:
        stripe.Customer.retrieve("cus_none")
        raise AssertionError("there is no such customer")
    except stripe.InvalidRequestError as error:
        assert (error.http_status, error.code) == (404, "resource_missing")


def pay(base_url, session):
    body = json.dumps({"method": "4242424242424242", "email": "ana@example.org"}).encode()
    request = urllib.request.Request(
        f"{base_url}/_simulator/sessions/{session}/pay", data=body, headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()


def verify(payload, signature, secret):
    event = stripe.Webhook.construct_event(payload, signature, secret)
    assert event.id.startswith("evt_")


{"objects": objects, "verify": verify}[sys.argv[1]](*sys.argv[2:])
