-- The tables of a shop.
--
-- Ids are UUIDs: replace(id::text, '-', '') is the id of the API without its prefix. Amounts are whole
-- minor units of the currency beside them. A record has a version, which counts its writes. What
-- belongs to a record alone, such as the lines of a cart, stands in a table of its own under the
-- record's id and a position. JSON is kept only where a value is a snapshot that nobody asks for by
-- its parts, or has no schema; it is `json` and not `jsonb`, because it comes back as it was written,
-- to the byte. Keys are compared byte by byte, whatever the language of the database. What must be
-- unique is checked once a statement is through (`DEFERRABLE`), since within one commit a key can move
-- from one record to another.
--
-- What a checkout writes and never takes away again has no foreign keys: lines, holds, payments, levels and the
-- ledger are written in the same statement as what they belong to. Each key would cost each line a look and a lock
-- on what it refers to, which all who buy the same would share, in an order that nobody has a say in. The
-- ledger has no key at all: its rows are only added, and nobody looks for one of them.

-- Numbers that only rise: the last position of the outbox.
CREATE TABLE commerce_counters (
    name text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
) WITH (fillfactor = 10);

INSERT INTO commerce_counters (name, value) VALUES ('outbox', 0);

CREATE TABLE commerce_shop (
    id bigint PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL CHECK (version > 0),
    name text NOT NULL,
    currency text NOT NULL,
    configuration json NOT NULL
);

CREATE TABLE commerce_locations (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    name text NOT NULL,
    priority bigint NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE commerce_categories (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    slug text COLLATE "C" NOT NULL UNIQUE DEFERRABLE,
    title text NOT NULL,
    parent_id uuid,
    position bigint NOT NULL,
    image json,
    seo json NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    description text NOT NULL,
    metadata json NOT NULL
);

-- The keys are what a list is filtered and sorted by: lower-case texts. `own_words` is what the
-- product itself is found by, and `words` that with the codes of its variants. `priced_in` names the
-- currencies in which an active variant has a price, with commas between them.
CREATE TABLE commerce_products (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    slug text COLLATE "C" NOT NULL UNIQUE DEFERRABLE,
    title text NOT NULL,
    status text COLLATE "C" NOT NULL,
    tax_class text NOT NULL,
    featured boolean NOT NULL,
    gift_card boolean NOT NULL,
    vendor text,
    product_type text,
    title_key text COLLATE "C" NOT NULL,
    vendor_key text COLLATE "C",
    type_key text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    options json NOT NULL,
    seo json NOT NULL,
    related json NOT NULL,
    short_description text,
    attributes json NOT NULL,
    metadata json NOT NULL,
    description text NOT NULL,
    own_words text NOT NULL,
    words tsvector NOT NULL DEFAULT '',
    priced_in text COLLATE "C" NOT NULL DEFAULT ''
);

-- Searches look at the words of many rows: what is kept as it is, in its row, is looked at three times
-- as fast as what was compressed. Longer texts make room for it.
ALTER TABLE commerce_products ALTER COLUMN words SET STORAGE MAIN;

CREATE INDEX commerce_products_by_age ON commerce_products (created_at, id);
CREATE INDEX commerce_products_by_status ON commerce_products (status, created_at, id);
CREATE INDEX commerce_products_by_title ON commerce_products (title_key, id);
CREATE INDEX commerce_products_by_status_and_title ON commerce_products (status, title_key, id);
CREATE INDEX commerce_products_by_vendor ON commerce_products (vendor_key, created_at, id)
    WHERE vendor_key IS NOT NULL;
CREATE INDEX commerce_products_by_type ON commerce_products (type_key, created_at, id)
    WHERE type_key IS NOT NULL;
CREATE INDEX commerce_products_featured ON commerce_products (created_at, id) WHERE featured;
CREATE INDEX commerce_products_by_currencies ON commerce_products (priced_in, id);

-- An index of words is costly to write: each word of each row is a place of its own in it. So what is new
-- is kept in a list and put into its places together, many rows for each word. The list is short,
-- because every search goes through it: at most 256 kB, which are 32 pages.
CREATE INDEX commerce_products_by_words ON commerce_products USING gin (words)
    WITH (fastupdate = on, gin_pending_list_limit = 256);

CREATE TABLE commerce_product_tags (
    product_id uuid NOT NULL REFERENCES commerce_products ON DELETE CASCADE,
    position bigint NOT NULL,
    tag text NOT NULL,
    tag_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (product_id, position)
);

CREATE INDEX commerce_product_tags_by_tag ON commerce_product_tags (tag_key, product_id);

CREATE TABLE commerce_product_categories (
    product_id uuid NOT NULL REFERENCES commerce_products ON DELETE CASCADE,
    position bigint NOT NULL,
    category_id uuid NOT NULL,
    PRIMARY KEY (product_id, position)
);

CREATE INDEX commerce_product_categories_by_category
    ON commerce_product_categories (category_id, product_id);

CREATE TABLE commerce_product_images (
    product_id uuid NOT NULL REFERENCES commerce_products ON DELETE CASCADE,
    position bigint NOT NULL,
    id uuid NOT NULL,
    url text NOT NULL,
    alt text,
    PRIMARY KEY (product_id, position)
);

-- The lowest price of the active variants in each currency.
CREATE TABLE commerce_product_prices (
    product_id uuid NOT NULL,
    currency text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (product_id, currency)
);

CREATE INDEX commerce_product_prices_by_amount
    ON commerce_product_prices (currency, amount, product_id);

-- `options_key` is the SHA-256 of the options as JSON, which may be too long for an index. `words` is
-- what the variant's codes add to what its product is found by. `low` is whether a tracked variant
-- may have fewer units available than its threshold: where it is false, it has not.
CREATE TABLE commerce_variants (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    product_id uuid NOT NULL,
    sku text COLLATE "C" NOT NULL,
    title text NOT NULL,
    options json NOT NULL,
    options_key bytea NOT NULL CHECK (length(options_key) = 32),
    cost bigint,
    cost_currency text,
    grams bigint NOT NULL,
    length_mm bigint,
    width_mm bigint,
    height_mm bigint,
    barcode text,
    track_inventory boolean NOT NULL,
    backorder text NOT NULL,
    low_stock_threshold bigint NOT NULL,
    requires_shipping boolean NOT NULL,
    taxable boolean NOT NULL,
    tax_code text,
    active boolean NOT NULL,
    image_id uuid,
    position bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    metadata json NOT NULL,
    words text NOT NULL,
    low boolean NOT NULL DEFAULT false,
    CONSTRAINT commerce_variants_by_sku UNIQUE (sku) DEFERRABLE,
    CONSTRAINT commerce_variants_by_options UNIQUE (product_id, options_key) DEFERRABLE
);

CREATE INDEX commerce_variants_tracked ON commerce_variants (sku, id) WHERE track_inventory;
CREATE INDEX commerce_variants_low ON commerce_variants (sku, id) WHERE low;
CREATE INDEX commerce_variants_by_threshold ON commerce_variants (low_stock_threshold);

CREATE TABLE commerce_variant_prices (
    variant_id uuid NOT NULL REFERENCES commerce_variants ON DELETE CASCADE,
    position bigint NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    compare_at bigint,
    PRIMARY KEY (variant_id, position)
);

CREATE TABLE commerce_stock_levels (
    variant_id uuid NOT NULL,
    location_id uuid NOT NULL,
    on_hand bigint NOT NULL CHECK (on_hand BETWEEN 0 AND 1000000000000),
    held bigint NOT NULL CHECK (held BETWEEN 0 AND on_hand),
    PRIMARY KEY (variant_id, location_id)
) WITH (fillfactor = 50);

CREATE INDEX commerce_stock_levels_by_location
    ON commerce_stock_levels (location_id, variant_id);

CREATE TABLE commerce_stock_movements (
    id uuid NOT NULL,
    variant_id uuid NOT NULL,
    location_id uuid NOT NULL,
    delta bigint NOT NULL,
    reason text NOT NULL,
    order_id uuid,
    note text,
    at timestamptz NOT NULL
);

CREATE INDEX commerce_stock_movements_by_variant
    ON commerce_stock_movements (variant_id, at, id);

CREATE TABLE commerce_carts (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    status text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    customer_id uuid,
    secret bytea,
    email text,
    shipping_address json,
    billing_address json,
    shipping_method uuid,
    discount_codes json NOT NULL,
    note text,
    order_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT commerce_carts_open_of_customer EXCLUDE (customer_id WITH =)
        WHERE (customer_id IS NOT NULL AND status = 'open' AND origin = 'storefront') DEFERRABLE
) WITH (fillfactor = 70);

CREATE INDEX commerce_carts_due ON commerce_carts (expires_at, id) WHERE status = 'open';
CREATE INDEX commerce_carts_closed ON commerce_carts (updated_at, id) WHERE status <> 'open';

CREATE TABLE commerce_cart_lines (
    cart_id uuid NOT NULL,
    position bigint NOT NULL,
    id uuid NOT NULL,
    variant_id uuid NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    set_price bigint,
    set_price_currency text,
    PRIMARY KEY (cart_id, position)
) WITH (fillfactor = 70);

-- The statuses are derived from the rest of the order and its lines, in the words of the API.
CREATE TABLE commerce_orders (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    number text COLLATE "C" NOT NULL UNIQUE DEFERRABLE,
    cart_id uuid NOT NULL UNIQUE DEFERRABLE,
    status text COLLATE "C" NOT NULL,
    payment_status text NOT NULL,
    fulfillment_status text NOT NULL,
    origin text NOT NULL,
    customer_id uuid,
    secret bytea,
    email text,
    email_key text COLLATE "C",
    currency text NOT NULL,
    subtotal bigint NOT NULL,
    discount_total bigint NOT NULL,
    shipping_total bigint NOT NULL,
    tax_total bigint NOT NULL,
    tax_included boolean NOT NULL,
    rounding bigint NOT NULL,
    total bigint NOT NULL,
    paid_total bigint NOT NULL,
    refunded_total bigint NOT NULL,
    authorized_total bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    expires_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    updated_at timestamptz NOT NULL,
    terms json NOT NULL,
    history json NOT NULL,
    shipping_address json,
    billing_address json,
    shipping json,
    taxes json NOT NULL,
    pricing json NOT NULL,
    note text,
    cancel_note text
) WITH (fillfactor = 80);

CREATE INDEX commerce_orders_by_age ON commerce_orders (placed_at, id);
CREATE INDEX commerce_orders_by_status ON commerce_orders (status, placed_at, id);
CREATE INDEX commerce_orders_of_customer ON commerce_orders (customer_id, placed_at, id)
    WHERE customer_id IS NOT NULL;
CREATE INDEX commerce_orders_by_email ON commerce_orders (email_key, placed_at, id)
    WHERE email_key IS NOT NULL;
CREATE INDEX commerce_orders_in_review ON commerce_orders (placed_at, id)
    WHERE payment_status = 'needs_review';
CREATE INDEX commerce_orders_due ON commerce_orders (expires_at, id) WHERE expires_at IS NOT NULL;

CREATE TABLE commerce_order_lines (
    order_id uuid NOT NULL,
    position bigint NOT NULL,
    id uuid NOT NULL,
    variant_id uuid NOT NULL,
    product_id uuid NOT NULL,
    sku text NOT NULL,
    title text NOT NULL,
    options json NOT NULL,
    image text,
    quantity bigint NOT NULL CHECK (quantity > 0),
    unit_price bigint NOT NULL,
    subtotal bigint NOT NULL,
    discount_total bigint NOT NULL,
    tax_total bigint NOT NULL,
    total bigint NOT NULL,
    requires_shipping boolean NOT NULL,
    track_inventory boolean NOT NULL,
    backordered bigint NOT NULL CHECK (backordered >= 0),
    fulfilled bigint NOT NULL CHECK (fulfilled >= 0),
    cancelled bigint NOT NULL CHECK (cancelled >= 0),
    refunded bigint NOT NULL CHECK (refunded >= 0),
    adjustments json NOT NULL,
    PRIMARY KEY (order_id, position),
    CHECK (fulfilled + cancelled <= quantity)
);

-- The units that a location keeps for a line of an order.
CREATE TABLE commerce_holds (
    order_id uuid NOT NULL,
    line bigint NOT NULL,
    position bigint NOT NULL,
    variant_id uuid NOT NULL,
    location_id uuid NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, line, position)
);

CREATE TABLE commerce_fulfillments (
    order_id uuid NOT NULL REFERENCES commerce_orders ON DELETE CASCADE,
    position bigint NOT NULL,
    id uuid NOT NULL,
    carrier text,
    tracking_number text,
    tracking_url text,
    fulfilled_at timestamptz NOT NULL,
    delivered_at timestamptz,
    lines json NOT NULL,
    PRIMARY KEY (order_id, position)
);

CREATE TABLE commerce_payments (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    order_id uuid NOT NULL,
    gateway text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    authorized bigint NOT NULL,
    released bigint NOT NULL CHECK (released >= 0),
    captured bigint NOT NULL CHECK (captured >= 0),
    refunded bigint NOT NULL CHECK (refunded >= 0),
    being_refunded bigint NOT NULL CHECK (being_refunded >= 0),
    flow json NOT NULL,
    capture text COLLATE "C" NOT NULL,
    customer_reference text COLLATE "C",
    save_method boolean NOT NULL,
    client_secret text,
    redirect_url text,
    failure_code text,
    failure text,
    review text,
    review_closed_at timestamptz,
    review_note text,
    capture_before timestamptz,
    captured_at timestamptz,
    check_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (refunded + being_refunded <= captured),
    CHECK (captured + released <= authorized AND authorized <= amount)
);

CREATE INDEX commerce_payments_of_order ON commerce_payments (order_id, id);
CREATE INDEX commerce_payments_due ON commerce_payments (check_at, id) WHERE check_at IS NOT NULL;
CREATE INDEX commerce_payments_changed ON commerce_payments (gateway, updated_at, id);

-- What the provider calls a payment and what belongs to it.
CREATE TABLE commerce_payment_references (
    payment_id uuid NOT NULL REFERENCES commerce_payments ON DELETE CASCADE,
    position bigint NOT NULL,
    gateway text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    PRIMARY KEY (payment_id, position),
    UNIQUE (gateway, reference) DEFERRABLE
);

-- What a payment's gateway was asked. No two ask under one key.
CREATE TABLE commerce_payment_operations (
    payment_id uuid NOT NULL REFERENCES commerce_payments ON DELETE CASCADE,
    position bigint NOT NULL,
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    attempt bigint NOT NULL CHECK (attempt > 0),
    amount bigint NOT NULL,
    refund_id uuid,
    key text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    failure_code text,
    failure text,
    begun_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (payment_id, position),
    UNIQUE (payment_id, key) DEFERRABLE
);

CREATE TABLE commerce_refunds (
    payment_id uuid NOT NULL REFERENCES commerce_payments ON DELETE CASCADE,
    position bigint NOT NULL,
    id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    status text COLLATE "C" NOT NULL,
    reason text,
    restock_to uuid,
    reference text COLLATE "C",
    failure text,
    created_at timestamptz NOT NULL,
    lines json NOT NULL,
    PRIMARY KEY (payment_id, position)
);

CREATE TABLE commerce_disputes (
    payment_id uuid NOT NULL REFERENCES commerce_payments ON DELETE CASCADE,
    position bigint NOT NULL,
    reference text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    reason text,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (payment_id, position),
    UNIQUE (payment_id, reference) DEFERRABLE
);

CREATE TABLE commerce_customers (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    email text,
    email_key text COLLATE "C" UNIQUE DEFERRABLE,
    email_verified boolean NOT NULL,
    name text,
    phone text,
    external_id text COLLATE "C" UNIQUE DEFERRABLE,
    note text,
    provider_references json NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    own_words text NOT NULL,
    words tsvector NOT NULL GENERATED ALWAYS AS (own_words::tsvector) STORED
);

CREATE INDEX commerce_customers_by_age ON commerce_customers (created_at, id);
CREATE INDEX commerce_customers_by_words ON commerce_customers USING gin (words)
    WITH (fastupdate = on, gin_pending_list_limit = 256);

CREATE TABLE commerce_customer_addresses (
    customer_id uuid NOT NULL REFERENCES commerce_customers ON DELETE CASCADE,
    position bigint NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    company text,
    line1 text NOT NULL,
    line2 text,
    city text NOT NULL,
    region text,
    postal_code text,
    country text NOT NULL,
    phone text,
    default_shipping boolean NOT NULL,
    default_billing boolean NOT NULL,
    PRIMARY KEY (customer_id, position)
);

CREATE TABLE commerce_api_tokens (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    digest bytea NOT NULL UNIQUE DEFERRABLE CHECK (length(digest) = 32),
    label text NOT NULL,
    scope text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE INDEX commerce_api_tokens_by_age ON commerce_api_tokens (created_at, id);

-- What gateways' providers told, to the byte, and what has become of it.
CREATE TABLE commerce_webhooks (
    id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    gateway text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    account text COLLATE "C",
    livemode boolean NOT NULL,
    subject json,
    body bytea NOT NULL,
    status text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL CHECK (attempts >= 0),
    failure text,
    due_at timestamptz,
    received_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    place bigint NOT NULL,
    UNIQUE (gateway, event_id) DEFERRABLE
);

CREATE INDEX commerce_webhooks_due ON commerce_webhooks (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX commerce_webhooks_done ON commerce_webhooks (updated_at, id) WHERE due_at IS NULL;
CREATE INDEX commerce_webhooks_by_place ON commerce_webhooks (place, id);
CREATE INDEX commerce_webhooks_by_status ON commerce_webhooks (status, place, id);

-- How far each subscriber of the outbox has come, and until when one server alone hands on to it.
CREATE TABLE commerce_subscriptions (
    name text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    position bigint NOT NULL,
    leased_until timestamptz
);

-- What was answered to operations that carried an idempotency key; `body` is JSON.
CREATE TABLE commerce_outcomes (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    at timestamptz NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE INDEX commerce_outcomes_by_age ON commerce_outcomes (at);

-- The events of each commit. A position never comes again, even when its row is gone: the last one
-- is a counter, whose lock every writer holds until its positions can be seen.
CREATE TABLE commerce_outbox (
    position bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    events json NOT NULL
);
