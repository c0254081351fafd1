//! Locking and reading all that a batch asks about.
//!
//! Everybody locks in the same order, and so waits for others but never in a circle:
//!
//! 1. the unique keys that are gained or given up; see [`keys`](crate::keys),
//! 2. what tells whether locations are being changed,
//! 3. records by kind and key,
//! 4. stock levels by variant and location,
//! 5. as the batch is written, table by table and key by key, what is new: that waits for whoever
//!    inserts the same at the same time, such as the same outcome,
//! 6. the end of the outbox.
//!
//! What would have to be locked out of order is not waited for. That is the mark of a variant that
//! becomes low, if another transaction has locked the variant; and what has come to be there since it was
//! first asked about. The batch is undone then, and begun again with what it lacked in its place.
//!
//! Within a table all rows are locked in the same way, the strongest that the batch needs of any. No
//! row is locked more strongly later on, not even by a foreign key: a record's unique columns are
//! written only if they change, as PostgreSQL keeps whoever writes them from what others refer to.
//!
//! It is all one statement, after one for the keys if any are gained. The rows that are locked are
//! read as they are once the lock is there. Who holds a unique key, and what was answered under an
//! idempotency key, is read as of the beginning of the statement, and may be older by as long as the
//! statement had to wait. So a refusal that follows from it is not yet certain: see
//! [`batch`](crate::batch).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    mem,
    time::Duration,
};

use commerce_core::{
    id::VariantId,
    inventory::LevelKey,
    store::{Commit, OutcomeKey, Record, RecordKey, UniqueKey, Write},
};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    batch::Way,
    cell::{Array, Cell, Kind, Param},
    codec::{self, Columns},
    error::Result,
    keys::{BlockedKeys, Keys, SPACE},
    table::{journal, stock},
    view::State,
};

// A plan is kept, and may have been made when a table was still empty. So nothing is joined in a way
// that leaves the planner the choice to go through a table: each key is looked up on its own, behind
// an `OFFSET 0`, which it does not see through.

/// What tells whether locations are being changed. It is no kind of unique keys.
const PLACES: i8 = -1;

/// How a record is locked. What comes later excludes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lock {
    /// It stays as it is.
    Share,
    /// It is written, and stays what others refer to.
    Write,
    /// It gets another unique key, or goes.
    Key,
}

/// How long to wait for what another transaction has locked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// As long as the session lets one.
    #[default]
    Long,
    /// Not at all: the transaction fails.
    Never,
    /// Not at all: what is locked is passed over.
    Past,
}

/// What is asked about and was passed over, because others have locked it.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    records: BTreeSet<RecordKey>,
    /// The variants of levels.
    stocked: BTreeSet<VariantId>,
    /// Of the unique keys.
    pub(crate) keys: BlockedKeys,
    /// Locations are being changed.
    places: bool,
    /// It matters to others that locations are not changed.
    leant_on: bool,
}

impl Blocked {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { records, stocked, keys, places, leant_on } = self;
        records.is_empty() && stocked.is_empty() && keys.is_empty() && !places && !leant_on
    }
}

/// What a batch's commits ask about.
#[derive(Debug, Default)]
pub(crate) struct Names {
    records: BTreeMap<RecordKey, Lock>,
    /// The unique keys that are gained.
    unique: BTreeSet<UniqueKey>,
    /// The unique keys that are locked themselves.
    keys: Keys,
    /// The variants whose levels are moved, or count for something that changes.
    stocked: BTreeSet<VariantId>,
    outcomes: BTreeSet<OutcomeKey>,
    /// Whether a location is written, by which it may be told which levels count.
    places: bool,
    waiting: Waiting,
}

impl Names {
    pub(crate) fn of(commits: &[&Commit], way: Way) -> Self {
        let waiting = if way == Way::Past { Waiting::Past } else { Waiting::Long };
        let mut names = Self { waiting, ..Self::default() };
        for commit in commits {
            let before = mem::take(&mut names.keys);
            commit.writes().iter().for_each(|write| names.write(write));
            let keys = mem::replace(&mut names.keys, before);
            names.keys.join(keys);
            names.stocked.extend(commit.moves().iter().map(|change| change.level.variant_id));
            names.stocked.extend(commit.low_stock().map(|low| low.variant_id));
            names.outcomes.extend(commit.outcome().map(|outcome| outcome.key.clone()));
        }
        if way != Way::Usual {
            // Any of them may become low or cease to be.
            let stocked = mem::take(&mut names.stocked);
            stocked.iter().for_each(|id| names.record(RecordKey::Variant(*id), Lock::Write));
            names.stocked = stocked;
        }
        names
    }

    fn record(&mut self, key: RecordKey, lock: Lock) {
        let strongest = self.records.entry(key).or_insert(lock);
        *strongest = lock.max(*strongest);
    }

    fn write(&mut self, write: &Write) {
        let (old, new) = match write {
            Write::Require { key, .. } => return self.record(key.clone(), Lock::Share),
            Write::Touch { key, .. } => return self.record(key.clone(), Lock::Write),
            Write::Insert(new) => (None, Some(new)),
            Write::Replace { old, new, .. } => (Some(old), Some(new)),
            Write::Remove { old, .. } => (Some(old), None),
        };
        let before = old.map(Record::unique_keys).unwrap_or_default();
        let after = new.map(Record::unique_keys).unwrap_or_default();
        let moves =
            new.is_none() || before.iter().any(|key| is_in_row(key) && !after.contains(key));
        self.record(write.key(), if moves { Lock::Key } else { Lock::Write });
        before.iter().filter(|key| !after.contains(key)).for_each(|key| self.keys.give_up(key));
        for key in after.into_iter().filter(|key| !before.contains(key)) {
            // A cart becomes an order by one at a time.
            if let UniqueKey::OrderOfCart(cart) = key {
                self.record(RecordKey::Cart(cart), Lock::Write);
            }
            self.keys.gain(&key);
            self.unique.insert(key);
        }
        for record in old.into_iter().chain(new) {
            match record {
                // What is worked out of all variants of a product is worked out by one at a time.
                Record::Variant(it) => {
                    self.record(RecordKey::Product(it.product_id), Lock::Write);
                    self.stocked.insert(it.id);
                }
                Record::Location(_) => self.places = true,
                _ => {}
            }
        }
    }

    /// Locks and reads it all; waits so long for each lock, if that is not what the session says.
    pub(crate) async fn read(
        &self,
        connection: &mut PgConnection,
        patience: Option<Duration>,
    ) -> Result<State> {
        let mut reading = Reading::default();
        if let Some(patience) = patience {
            let most = patience.as_millis().max(1);
            let set = format!("SELECT ROW(set_config('lock_timeout', '{most}', true))");
            reading.part(&set, [], nothing);
        }
        self.keys.lock(&mut reading, self.waiting);
        if !self.keys.are_gained() {
            return self.rest(reading, connection, self.waiting).await;
        }
        let keys = reading.run(connection).await?.blocked.keys;
        let mut state = self.rest(Reading::default(), connection, self.waiting).await?;
        state.blocked.keys = keys;
        Ok(state)
    }

    /// Reads it once more, now that it is locked. What has come to be there meanwhile is locked out of
    /// order, and so not waited for.
    pub(crate) async fn read_again(&self, connection: &mut PgConnection) -> Result<State> {
        self.rest(Reading::default(), connection, Waiting::Never).await
    }

    /// Locks and reads all but the unique keys.
    async fn rest<'a>(
        &'a self,
        mut reading: Reading<'a>,
        connection: &mut PgConnection,
        waiting: Waiting,
    ) -> Result<State> {
        if self.lean_on_places() {
            reading.places(self.places, waiting);
        }
        reading.records(&self.records, waiting);
        if !self.stocked.is_empty() {
            reading.levels(&self.stocked, waiting);
        }
        reading.holders(&self.unique)?;
        if !self.outcomes.is_empty() {
            reading.outcomes(&self.outcomes);
        }
        reading.run(connection).await
    }

    /// Whether it matters if locations are being changed: they mark variants.
    fn lean_on_places(&self) -> bool {
        let marked = |key: &RecordKey| matches!(key, RecordKey::Variant(_));
        self.places || !self.stocked.is_empty() || self.records.keys().any(marked)
    }

    /// Whether they name something that is locked by others.
    pub(crate) fn meet(&self, blocked: &Blocked) -> bool {
        self.records.keys().any(|key| blocked.records.contains(key))
            || self.stocked.iter().any(|id| blocked.stocked.contains(id))
            || self.keys.meet(&blocked.keys)
            || (blocked.places && self.lean_on_places())
            || (blocked.leant_on && self.places)
    }
}

impl Lock {
    fn sql(self) -> &'static str {
        match self {
            Self::Share => "SHARE",
            Self::Write => "NO KEY UPDATE",
            Self::Key => "UPDATE",
        }
    }
}

impl Waiting {
    fn sql(self) -> &'static str {
        match self {
            Self::Long => "",
            Self::Never => "NOWAIT",
            Self::Past => "SKIP LOCKED",
        }
    }
}

/// Whether a unique key stands in the row of its record, where others can refer to it.
fn is_in_row(key: &UniqueKey) -> bool {
    !matches!(key, UniqueKey::OpenCart(_) | UniqueKey::PaymentReference(..))
}

pub(crate) fn nothing(_: &Columns<'_>, _: &mut State) -> Result<()> {
    Ok(())
}

type ReadRow<'a> = Box<dyn Fn(&Columns<'_>, &mut State) -> Result<()> + Send + Sync + 'a>;

/// The statement as it is put together: one column for each part, which is an array of its rows.
#[derive(Default)]
pub(crate) struct Reading<'a> {
    sql: String,
    params: Vec<Param<'a>>,
    parts: Vec<ReadRow<'a>>,
}

/// The kinds of records, in the order in which they are locked, with their tables and keys.
fn table_of(key: &RecordKey) -> (&'static str, &'static str, Kind) {
    match key {
        RecordKey::Shop => ("commerce_shop", "id", Kind::Int),
        RecordKey::Location(_) => ("commerce_locations", "id", Kind::Uuid),
        RecordKey::Category(_) => ("commerce_categories", "id", Kind::Uuid),
        RecordKey::Product(_) => ("commerce_products", "id", Kind::Uuid),
        RecordKey::Variant(_) => ("commerce_variants", "id", Kind::Uuid),
        RecordKey::Cart(_) => ("commerce_carts", "id", Kind::Uuid),
        RecordKey::Order(_) => ("commerce_orders", "id", Kind::Uuid),
        RecordKey::Payment(_) => ("commerce_payments", "id", Kind::Uuid),
        RecordKey::Customer(_) => ("commerce_customers", "id", Kind::Uuid),
        RecordKey::ApiToken(_) => ("commerce_api_tokens", "id", Kind::Uuid),
        RecordKey::Webhook(_) => ("commerce_webhooks", "id", Kind::Uuid),
        RecordKey::Subscription(_) => ("commerce_subscriptions", "name", Kind::Text),
    }
}

pub(crate) fn cell_of(key: &RecordKey) -> Cell<'_> {
    match key {
        RecordKey::Shop => Cell::Int(1),
        RecordKey::Location(id) => Cell::id(*id),
        RecordKey::Category(id) => Cell::id(*id),
        RecordKey::Product(id) => Cell::id(*id),
        RecordKey::Variant(id) => Cell::id(*id),
        RecordKey::Cart(id) => Cell::id(*id),
        RecordKey::Order(id) => Cell::id(*id),
        RecordKey::Payment(id) => Cell::id(*id),
        RecordKey::Customer(id) => Cell::id(*id),
        RecordKey::ApiToken(id) => Cell::id(*id),
        RecordKey::Webhook(id) => Cell::id(*id),
        RecordKey::Subscription(name) => Cell::Text(name),
    }
}

/// Reads the key of a record of the same kind as another.
fn read_key(like: &RecordKey, row: &Columns<'_>) -> Result<RecordKey> {
    Ok(match like {
        RecordKey::Shop => {
            row.skip(1);
            RecordKey::Shop
        }
        RecordKey::Location(_) => RecordKey::Location(row.id()?),
        RecordKey::Category(_) => RecordKey::Category(row.id()?),
        RecordKey::Product(_) => RecordKey::Product(row.id()?),
        RecordKey::Variant(_) => RecordKey::Variant(row.id()?),
        RecordKey::Cart(_) => RecordKey::Cart(row.id()?),
        RecordKey::Order(_) => RecordKey::Order(row.id()?),
        RecordKey::Payment(_) => RecordKey::Payment(row.id()?),
        RecordKey::Customer(_) => RecordKey::Customer(row.id()?),
        RecordKey::ApiToken(_) => RecordKey::ApiToken(row.id()?),
        RecordKey::Webhook(_) => RecordKey::Webhook(row.id()?),
        RecordKey::Subscription(_) => RecordKey::Subscription(row.text()?),
    })
}

impl<'a> Reading<'a> {
    /// Adds a part: a query of one column, which is a row. Each `?` in it is a parameter.
    pub(crate) fn part(
        &mut self,
        sql: &str,
        params: impl IntoIterator<Item = Array>,
        read: impl Fn(&Columns<'_>, &mut State) -> Result<()> + Send + Sync + 'a,
    ) {
        let mut pieces = sql.split('?');
        self.sql.push_str(if self.parts.is_empty() { "SELECT ARRAY(" } else { ", ARRAY(" });
        self.sql.push_str(pieces.next().unwrap_or_default());
        for (piece, param) in pieces.zip(params) {
            self.params.push(param.into());
            // Writing to a string cannot fail.
            let _ = write!(self.sql, "${}{piece}", self.params.len());
        }
        self.sql.push(')');
        self.parts.push(Box::new(read));
    }

    /// Adds the lock of who leans on locations, or changes them.
    fn places(&mut self, changed: bool, waiting: Waiting) {
        let lock = |how| format!("advisory_xact_lock{how}({PLACES}::bigint # {SPACE})");
        if waiting != Waiting::Past {
            let lock = lock(if changed { "" } else { "_shared" });
            return self.part(&format!("SELECT ROW(1) FROM pg_{lock}"), [], nothing);
        }
        let passed = |lock| format!("SELECT ROW(1) WHERE NOT pg_try_{lock}");
        // Whoever changes them is not to be in the way of those who do not.
        self.part(&passed(lock("_shared")), [], |_, state| {
            state.blocked.places = true;
            Ok(())
        });
        if changed {
            self.part(&passed(lock("")), [], |_, state| {
                state.blocked.leant_on = true;
                Ok(())
            });
        }
    }

    fn records(&mut self, records: &'a BTreeMap<RecordKey, Lock>, waiting: Waiting) {
        let mut rest = records.iter().peekable();
        while let Some((first, lock)) = rest.next() {
            let (table, column, kind) = table_of(first);
            let mut strongest = *lock;
            let mut keys = Array::of(kind, [cell_of(first)]);
            while let Some((key, lock)) = rest.next_if(|(key, _)| table_of(key).0 == table) {
                keys.push(&cell_of(key));
                strongest = strongest.max(*lock);
            }
            let (lock, how) = (strongest.sql(), waiting.sql());
            let passed = (waiting == Waiting::Past).then(|| keys.clone());
            let sql = format!(
                "SELECT ROW({column}, version) FROM {table}
                WHERE {column} = ANY(?) ORDER BY {column} FOR {lock} {how}"
            );
            self.part(&sql, [keys], |row, state| {
                state.versions.insert(read_key(first, row)?, row.version()?);
                Ok(())
            });
            if let Some(keys) = passed {
                let sql = format!("SELECT ROW({column}) FROM {table} WHERE {column} = ANY(?)");
                self.part(&sql, [keys], |row, state| {
                    let key = read_key(first, row)?;
                    if !state.versions.contains_key(&key) {
                        state.blocked.records.insert(key);
                    }
                    Ok(())
                });
            }
        }
    }

    fn levels(&mut self, variants: &'a BTreeSet<VariantId>, waiting: Waiting) {
        let levels = format!(
            "SELECT ROW(s.variant_id, s.location_id, s.on_hand, s.held)
            FROM commerce_stock_levels AS s WHERE s.variant_id = ANY(?)
            ORDER BY s.variant_id, s.location_id FOR NO KEY UPDATE {}",
            waiting.sql()
        );
        self.part(&levels, [Array::ids(variants.iter().copied())], |row, state| {
            let level = stock::read_level(row)?;
            state.levels.insert(level.key(), level);
            Ok(())
        });
        if waiting == Waiting::Past {
            const PASSED: &str = "SELECT ROW(variant_id, location_id)
                FROM commerce_stock_levels WHERE variant_id = ANY(?)";
            self.part(PASSED, [Array::ids(variants.iter().copied())], |row, state| {
                let key = LevelKey { variant_id: row.id()?, location_id: row.id()? };
                if !state.levels.contains_key(&key) {
                    state.blocked.stocked.insert(key.variant_id);
                }
                Ok(())
            });
        }
    }

    fn outcomes(&mut self, keys: &'a BTreeSet<OutcomeKey>) {
        const OUTCOMES: &str = "SELECT ROW(o.scope, o.key, o.fingerprint, o.at, o.body)
            FROM unnest(?::text[], ?::text[]) AS wanted (scope, key)
            CROSS JOIN LATERAL (SELECT * FROM commerce_outcomes AS t
                WHERE t.scope = wanted.scope AND t.key = wanted.key OFFSET 0) AS o";
        let scopes = Array::of(Kind::Text, keys.iter().map(|key| Cell::Text(&key.scope)));
        let names = Array::of(Kind::Text, keys.iter().map(|key| Cell::Text(&key.key)));
        self.part(OUTCOMES, [scopes, names], |row, state| {
            let key = OutcomeKey { scope: row.str()?.to_owned(), key: row.text()? };
            state.outcomes.insert(key.clone(), journal::read_outcome(row, key)?);
            Ok(())
        });
    }

    async fn run(self, connection: &mut PgConnection) -> Result<State> {
        let Self { sql, params, parts } = self;
        let mut state = State::default();
        if parts.is_empty() {
            return Ok(state);
        }
        codec::first(connection, AssertSqlSafe(sql), params, |row| {
            for part in &parts {
                row.rows(|row| part(row, &mut state))?;
            }
            Ok(())
        })
        .await?;
        Ok(state)
    }
}
