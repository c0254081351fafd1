-- The tables of a shop.
--
-- Ids are the 16 bytes of a UUID: lower(hex(id)) is the id of the API without its prefix. Times are
-- milliseconds since 1970 in UTC. Amounts are whole minor units of the currency beside them. A
-- record has a version, which counts its writes. What belongs to a record alone, such as the lines
-- of a cart, stands in a table of its own under the record's id and a position, and goes with it. Records
-- point to each other by id alone: what one points to may be gone.
--
-- JSON is what is frozen (the addresses, taxes, terms, history and pricing of an order, the options and
-- adjustments of its lines), what has no schema (metadata, attributes), the shop's configuration, events,
-- and what is read with its record and not without it: a cart's addresses and codes; a product's options,
-- SEO, relations, tags, categories and images; a variant's options and prices; the lines of a fulfilment
-- or a refund. Whoever asks for prices and images by SQL finds them in the views commerce_variant_prices
-- and commerce_product_images, and tags and categories in tables that lists are read by, too.

-- Numbers that only rise: how often the setup, the categories and the rest of the catalogue were written,
-- which is what caches of them are checked by; the last position of the outbox that was taken away again;
-- the highest threshold of low stock.
CREATE TABLE commerce_counters (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO commerce_counters (name, value)
VALUES ('catalog', 0), ('categories', 0), ('low_stock_threshold_max', 0), ('outbox', 0), ('setup', 0);

CREATE TABLE commerce_shop (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL CHECK (version > 0),
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    configuration TEXT NOT NULL
) STRICT;

CREATE TABLE commerce_locations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    name TEXT NOT NULL,
    priority INTEGER NOT NULL,
    active INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE commerce_categories (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    parent_id BLOB,
    position INTEGER NOT NULL,
    image TEXT,
    seo TEXT NOT NULL,
    active INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    description TEXT NOT NULL,
    metadata TEXT NOT NULL
) STRICT;

-- `seq` rises with the time of creation; the full-text index knows products by it. The keys are
-- what a list is filtered and sorted by: lower-case texts. `priced_in` names the currencies in which
-- an active variant has a price, with commas between them. `facets` has all that lists are filtered by,
-- each on a line of its own: `f` for what is featured, `v:` and the vendor's key, `k:` and the type's, `t:`
-- and a tag's, `c:` and the id of a category. The row has the whole product, its tags, categories and
-- images too, so that one page of the file answers for it.
CREATE TABLE commerce_products (
    seq INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    tax_class TEXT NOT NULL,
    featured INTEGER NOT NULL,
    gift_card INTEGER NOT NULL,
    vendor TEXT,
    product_type TEXT,
    title_key TEXT NOT NULL,
    vendor_key TEXT,
    type_key TEXT,
    facets TEXT NOT NULL,
    priced_in TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    options TEXT NOT NULL,
    seo TEXT NOT NULL,
    related TEXT NOT NULL,
    tags TEXT NOT NULL,
    categories TEXT NOT NULL,
    images TEXT NOT NULL,
    short_description TEXT,
    attributes TEXT NOT NULL,
    metadata TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT;

CREATE INDEX commerce_products_by_age ON commerce_products (created_at, id, status);
CREATE INDEX commerce_products_by_status ON commerce_products (status, created_at, id);
-- With the facets beside the order, no product is looked up to be passed over.
CREATE INDEX commerce_products_by_title ON commerce_products (title_key, id, status, facets);
CREATE INDEX commerce_products_by_status_and_title
    ON commerce_products (status, title_key, id, facets);
CREATE INDEX commerce_products_by_vendor ON commerce_products (vendor_key, created_at, id, status)
    WHERE vendor_key IS NOT NULL;
CREATE INDEX commerce_products_by_type ON commerce_products (type_key, created_at, id, status)
    WHERE type_key IS NOT NULL;
CREATE INDEX commerce_products_featured ON commerce_products (created_at, id, status)
    WHERE featured = 1;
CREATE INDEX commerce_products_by_currencies ON commerce_products (priced_in, id);

-- The images of products, one a row, for those who ask for them by SQL.
CREATE VIEW commerce_product_images (product_id, position, id, url, alt) AS
SELECT p.id, i.key, unhex(substr(i.value ->> 'id', 5)), i.value ->> 'url', i.value ->> 'alt'
FROM commerce_products AS p, json_each(p.images) AS i;

-- The products of a tag. `created_at` and `status` are the product's, so that a list by tag is read in
-- order.
CREATE TABLE commerce_product_tags (
    product_id BLOB NOT NULL REFERENCES commerce_products (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    tag TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (product_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX commerce_product_tags_by_tag
    ON commerce_product_tags (tag_key, created_at, product_id, status);

-- The products of a category. `created_at` and `status` are the product's, so that a list by category
-- is read in order.
CREATE TABLE commerce_product_categories (
    product_id BLOB NOT NULL REFERENCES commerce_products (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    category_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (product_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX commerce_product_categories_by_category
    ON commerce_product_categories (category_id, created_at, product_id, status);

-- The lowest price of the active variants in each currency. `status` and `facets` are the product's, so
-- that a list by price looks up no product to pass it over.
CREATE TABLE commerce_product_prices (
    product_id BLOB NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    status TEXT NOT NULL,
    facets TEXT NOT NULL,
    PRIMARY KEY (product_id, currency)
) STRICT, WITHOUT ROWID;

CREATE INDEX commerce_product_prices_by_amount
    ON commerce_product_prices (currency, amount, product_id, status, facets);

-- The words that a product is found by, under the product's `seq`. A word of a title, SKU or tag has a
-- `=` before it, so that it can be asked for apart from those of descriptions. What a search ranks by and
-- shows to nobody but the back office stands beside them, so that no product is looked up to be
-- passed over.
CREATE TABLE commerce_product_words (
    seq INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16),
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    title TEXT NOT NULL,
    skus TEXT NOT NULL,
    tags TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT;

-- Their index. Whatever is not a space is part of a word: the words are made before they come here.
-- Beginnings of up to nine letters are found at once, ten with the `=`.
CREATE VIRTUAL TABLE commerce_products_fts USING fts5 (
    title, skus, tags, description,
    content = 'commerce_product_words',
    content_rowid = 'seq',
    columnsize = 0,
    detail = none,
    prefix = '1 2 3 4 5 6 7 8 9 10',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);

-- The variants of a product stand beside one another, in their order. `prices` is a list of currencies
-- with an amount and, or null, what to compare it with. `low` is whether a tracked variant has fewer units
-- available than its threshold.
CREATE TABLE commerce_variants (
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    product_id BLOB NOT NULL,
    sku TEXT NOT NULL,
    title TEXT NOT NULL,
    options TEXT NOT NULL,
    prices TEXT NOT NULL,
    cost INTEGER,
    cost_currency TEXT,
    grams INTEGER NOT NULL,
    length_mm INTEGER,
    width_mm INTEGER,
    height_mm INTEGER,
    barcode TEXT,
    track_inventory INTEGER NOT NULL,
    backorder TEXT NOT NULL,
    low_stock_threshold INTEGER NOT NULL,
    low INTEGER NOT NULL,
    requires_shipping INTEGER NOT NULL,
    taxable INTEGER NOT NULL,
    tax_code TEXT,
    active INTEGER NOT NULL,
    image_id BLOB,
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (product_id, position, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX commerce_variants_by_sku ON commerce_variants (sku);
CREATE UNIQUE INDEX commerce_variants_by_options ON commerce_variants (product_id, options);
CREATE INDEX commerce_variants_low ON commerce_variants (sku, id) WHERE low = 1;

-- The prices of variants, one a row, for those who ask for them by SQL.
CREATE VIEW commerce_variant_prices (variant_id, position, currency, amount, compare_at) AS
SELECT v.id, p.key, p.value ->> 0, p.value ->> 1, p.value ->> 2
FROM commerce_variants AS v, json_each(v.prices) AS p;

CREATE TABLE commerce_stock_levels (
    variant_id BLOB NOT NULL CHECK (length(variant_id) = 16),
    location_id BLOB NOT NULL CHECK (length(location_id) = 16),
    on_hand INTEGER NOT NULL CHECK (on_hand BETWEEN 0 AND 1000000000000),
    held INTEGER NOT NULL CHECK (held BETWEEN 0 AND on_hand),
    PRIMARY KEY (variant_id, location_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX commerce_stock_levels_by_location
    ON commerce_stock_levels (location_id, variant_id);

CREATE TABLE commerce_stock_movements (
    id BLOB NOT NULL CHECK (length(id) = 16),
    variant_id BLOB NOT NULL,
    location_id BLOB NOT NULL,
    delta INTEGER NOT NULL,
    reason TEXT NOT NULL,
    order_id BLOB,
    note TEXT,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX commerce_stock_movements_by_variant
    ON commerce_stock_movements (variant_id, at, id);

CREATE TABLE commerce_carts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    status TEXT NOT NULL,
    origin TEXT NOT NULL,
    currency TEXT NOT NULL,
    customer_id BLOB,
    secret BLOB,
    email TEXT,
    shipping_address TEXT,
    billing_address TEXT,
    shipping_method BLOB,
    discount_codes TEXT NOT NULL,
    note TEXT,
    order_id BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX commerce_carts_open_of_customer ON commerce_carts (customer_id)
    WHERE customer_id IS NOT NULL AND status = 'open' AND origin = 'storefront';
CREATE INDEX commerce_carts_due ON commerce_carts (expires_at, id) WHERE status = 'open';

CREATE TABLE commerce_cart_lines (
    cart_id BLOB NOT NULL REFERENCES commerce_carts (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    variant_id BLOB NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    set_price INTEGER,
    set_price_currency TEXT,
    PRIMARY KEY (cart_id, position)
) STRICT, WITHOUT ROWID;

-- `status` is derived from the rest of the order and its lines, in the words of the API.
CREATE TABLE commerce_orders (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    number TEXT NOT NULL UNIQUE,
    cart_id BLOB NOT NULL UNIQUE,
    status TEXT NOT NULL,
    payment_status TEXT NOT NULL,
    fulfillment_status TEXT NOT NULL,
    origin TEXT NOT NULL,
    customer_id BLOB,
    secret BLOB,
    email TEXT,
    email_key TEXT,
    currency TEXT NOT NULL,
    subtotal INTEGER NOT NULL,
    discount_total INTEGER NOT NULL,
    shipping_total INTEGER NOT NULL,
    tax_total INTEGER NOT NULL,
    tax_included INTEGER NOT NULL,
    rounding INTEGER NOT NULL,
    total INTEGER NOT NULL,
    paid_total INTEGER NOT NULL,
    refunded_total INTEGER NOT NULL,
    authorized_total INTEGER NOT NULL,
    placed_at INTEGER NOT NULL,
    expires_at INTEGER,
    cancelled_at INTEGER,
    cancel_reason TEXT,
    updated_at INTEGER NOT NULL,
    terms TEXT NOT NULL,
    history TEXT NOT NULL,
    shipping_address TEXT,
    billing_address TEXT,
    shipping TEXT,
    taxes TEXT NOT NULL,
    pricing TEXT NOT NULL,
    note TEXT,
    cancel_note TEXT
) STRICT;

CREATE INDEX commerce_orders_by_age ON commerce_orders (placed_at, id);
CREATE INDEX commerce_orders_by_status ON commerce_orders (status, placed_at, id);
CREATE INDEX commerce_orders_of_customer ON commerce_orders (customer_id, placed_at, id)
    WHERE customer_id IS NOT NULL;
CREATE INDEX commerce_orders_by_email ON commerce_orders (email_key, placed_at, id)
    WHERE email_key IS NOT NULL;
CREATE INDEX commerce_orders_in_review ON commerce_orders (placed_at, id)
    WHERE payment_status = 'needs_review';
CREATE INDEX commerce_orders_due ON commerce_orders (expires_at, id) WHERE expires_at IS NOT NULL;

-- No index finds the lines of a variant or SKU: see the decision record 0035.
CREATE TABLE commerce_order_lines (
    order_id BLOB NOT NULL REFERENCES commerce_orders (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    variant_id BLOB NOT NULL,
    product_id BLOB NOT NULL,
    sku TEXT NOT NULL,
    title TEXT NOT NULL,
    options TEXT NOT NULL,
    image TEXT,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_price INTEGER NOT NULL,
    subtotal INTEGER NOT NULL,
    discount_total INTEGER NOT NULL,
    tax_total INTEGER NOT NULL,
    total INTEGER NOT NULL,
    requires_shipping INTEGER NOT NULL,
    track_inventory INTEGER NOT NULL,
    backordered INTEGER NOT NULL CHECK (backordered >= 0),
    fulfilled INTEGER NOT NULL CHECK (fulfilled >= 0),
    cancelled INTEGER NOT NULL CHECK (cancelled >= 0),
    refunded INTEGER NOT NULL CHECK (refunded >= 0),
    adjustments TEXT NOT NULL,
    PRIMARY KEY (order_id, position),
    CHECK (fulfilled + cancelled <= quantity)
) STRICT, WITHOUT ROWID;

-- The units that a location keeps for a line of an order.
CREATE TABLE commerce_holds (
    order_id BLOB NOT NULL REFERENCES commerce_orders (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    position INTEGER NOT NULL,
    variant_id BLOB NOT NULL,
    location_id BLOB NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, line, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE commerce_fulfillments (
    order_id BLOB NOT NULL REFERENCES commerce_orders (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    carrier TEXT,
    tracking_number TEXT,
    tracking_url TEXT,
    fulfilled_at INTEGER NOT NULL,
    delivered_at INTEGER,
    lines TEXT NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE commerce_payments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    order_id BLOB NOT NULL,
    gateway TEXT NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    authorized INTEGER NOT NULL,
    released INTEGER NOT NULL CHECK (released >= 0),
    captured INTEGER NOT NULL CHECK (captured >= 0),
    refunded INTEGER NOT NULL CHECK (refunded >= 0),
    being_refunded INTEGER NOT NULL CHECK (being_refunded >= 0),
    flow TEXT NOT NULL,
    capture TEXT NOT NULL,
    customer_reference TEXT,
    save_method INTEGER NOT NULL,
    client_secret TEXT,
    redirect_url TEXT,
    failure_code TEXT,
    failure TEXT,
    review TEXT,
    review_closed_at INTEGER,
    review_note TEXT,
    capture_before INTEGER,
    captured_at INTEGER,
    check_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (refunded + being_refunded <= captured),
    CHECK (captured + released <= authorized AND authorized <= amount)
) STRICT, WITHOUT ROWID;

CREATE INDEX commerce_payments_of_order ON commerce_payments (order_id, id);
CREATE INDEX commerce_payments_due ON commerce_payments (check_at, id) WHERE check_at IS NOT NULL;
CREATE INDEX commerce_payments_changed ON commerce_payments (gateway, updated_at, id);

-- What the provider calls a payment and what belongs to it.
CREATE TABLE commerce_payment_references (
    payment_id BLOB NOT NULL REFERENCES commerce_payments (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    gateway TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (payment_id, position),
    UNIQUE (gateway, reference)
) STRICT, WITHOUT ROWID;

-- What a payment's gateway was asked. No two ask under one key.
CREATE TABLE commerce_payment_operations (
    payment_id BLOB NOT NULL REFERENCES commerce_payments (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    amount INTEGER NOT NULL,
    refund_id BLOB,
    key TEXT NOT NULL,
    status TEXT NOT NULL,
    failure_code TEXT,
    failure TEXT,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (payment_id, position),
    UNIQUE (payment_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE commerce_refunds (
    payment_id BLOB NOT NULL REFERENCES commerce_payments (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    amount INTEGER NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL,
    reason TEXT,
    restock_to BLOB,
    reference TEXT,
    failure TEXT,
    created_at INTEGER NOT NULL,
    lines TEXT NOT NULL,
    PRIMARY KEY (payment_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE commerce_disputes (
    payment_id BLOB NOT NULL REFERENCES commerce_payments (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    opened_at INTEGER NOT NULL,
    PRIMARY KEY (payment_id, position),
    UNIQUE (payment_id, reference)
) STRICT, WITHOUT ROWID;

CREATE TABLE commerce_customers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    email TEXT,
    email_key TEXT UNIQUE,
    email_verified INTEGER NOT NULL,
    name TEXT,
    phone TEXT,
    external_id TEXT UNIQUE,
    note TEXT,
    provider_references TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX commerce_customers_by_age ON commerce_customers (created_at, id);

-- The words by which the back office finds a customer, in lower case.
CREATE TABLE commerce_customer_words (
    customer_id BLOB NOT NULL REFERENCES commerce_customers (id) ON DELETE CASCADE,
    word TEXT NOT NULL,
    PRIMARY KEY (customer_id, word)
) STRICT, WITHOUT ROWID;

CREATE INDEX commerce_customer_words_by_word ON commerce_customer_words (word, customer_id);

CREATE TABLE commerce_customer_addresses (
    customer_id BLOB NOT NULL REFERENCES commerce_customers (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL,
    company TEXT,
    line1 TEXT NOT NULL,
    line2 TEXT,
    city TEXT NOT NULL,
    region TEXT,
    postal_code TEXT,
    country TEXT NOT NULL,
    phone TEXT,
    default_shipping INTEGER NOT NULL,
    default_billing INTEGER NOT NULL,
    PRIMARY KEY (customer_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE commerce_api_tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    digest BLOB NOT NULL UNIQUE,
    label TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX commerce_api_tokens_by_age ON commerce_api_tokens (created_at, id);

-- What gateways' providers told, to the byte, and what has become of it.
CREATE TABLE commerce_webhooks (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL CHECK (version > 0),
    gateway TEXT NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    account TEXT,
    livemode INTEGER NOT NULL,
    subject TEXT,
    body BLOB NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    failure TEXT,
    due_at INTEGER,
    received_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    place INTEGER NOT NULL,
    UNIQUE (gateway, event_id)
) STRICT;

CREATE INDEX commerce_webhooks_due ON commerce_webhooks (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX commerce_webhooks_done ON commerce_webhooks (updated_at, id) WHERE due_at IS NULL;
CREATE INDEX commerce_webhooks_by_place ON commerce_webhooks (place, id);
CREATE INDEX commerce_webhooks_by_status ON commerce_webhooks (status, place, id);

-- How far each subscriber of the outbox has come, and until when one server alone hands on to it.
CREATE TABLE commerce_subscriptions (
    name TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version > 0),
    position INTEGER NOT NULL,
    leased_until INTEGER
) STRICT, WITHOUT ROWID;

-- What was answered to operations that carried an idempotency key; `body` is JSON.
CREATE TABLE commerce_outcomes (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (scope, key)
) STRICT;

CREATE INDEX commerce_outcomes_by_age ON commerce_outcomes (at);

-- The events of each commit. A position never comes again, even when its row is gone: the next one
-- comes after the newest row and after the counter.
CREATE TABLE commerce_outbox (
    position INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    events TEXT NOT NULL
) STRICT;
