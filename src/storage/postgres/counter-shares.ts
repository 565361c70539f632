import type { CounterPeriod } from '../sqlite/counter-sums.ts'
import type { CounterShare } from '../store.ts'
import type { PostgresDatabase } from './database.ts'

/** The setting by which a connection says whose charges it writes. */
export const INSTANCE_SETTING = 'ferro.instance'

/** Who charged what was summed before instances were told apart, or by a program that does not say. */
const NOBODY = 'before'

/**
 * What each instance has added to the sum of a counter, told apart by the server: whoever changes `counter_sums`, by settlements, by
 * what is given back or filled up, has changed its own share by as much in the same transaction.
 */
export const COUNTER_SHARES = `
CREATE TABLE counter_shares (
  counter TEXT COLLATE "C" NOT NULL,
  period BIGINT NOT NULL,
  instance TEXT COLLATE "C" NOT NULL,
  spent BIGINT NOT NULL,
  PRIMARY KEY (counter, period, instance)
);
INSERT INTO counter_shares SELECT counter, period, '${NOBODY}', spent FROM counter_sums;
CREATE FUNCTION counter_charged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE charged BIGINT := NEW.spent;
BEGIN
  IF TG_OP = 'UPDATE' THEN charged := NEW.spent - OLD.spent; END IF;
  INSERT INTO counter_shares
    VALUES (NEW.counter, NEW.period, coalesce(nullif(current_setting('${INSTANCE_SETTING}', true), ''), '${NOBODY}'), charged)
    ON CONFLICT (counter, period, instance) DO UPDATE SET spent = counter_shares.spent + excluded.spent;
  RETURN NULL;
END $$;
CREATE TRIGGER counter_charged AFTER INSERT OR UPDATE ON counter_sums FOR EACH ROW EXECUTE FUNCTION counter_charged();
`

/** Shares of these counters, in their order. */
export function readShares(
  database: PostgresDatabase,
  instance: string,
  counters: readonly CounterPeriod[],
): CounterShare[] {
  const { rows } = database.query(
    `SELECT asked.at AS at, shares.instance AS instance, shares.spent AS spent
       FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS asked (counter, period, at)
       JOIN counter_shares AS shares ON shares.counter = asked.counter AND shares.period = asked.period`,
    [counters.map(({ counter }) => counter), counters.map(({ period }) => period)],
  )
  const found: { own: number; others: (readonly [string, number])[] }[] = counters.map(() => ({ own: 0, others: [] }))
  for (const row of rows) {
    const share = found[Number(row['at']) - 1]
    const spent = Number(row['spent'])
    if (row['instance'] === instance) {
      if (share !== undefined) share.own = spent
    } else share?.others.push([String(row['instance']), spent])
  }
  return found
}
