/**
 * What a configuration is held against: kinds of providers, their variables and the demo's models. A second door of this
 * module, for threads and commands that read a configuration and serve nothing: `index.ts` brings all that serves.
 */
export { packagedCatalogue } from './catalogue/catalogue.ts'
export { CONFIG_FACTS } from './config-facts.ts'
export { BillError, type BillLine } from './providers/bills/bill.ts'
export { BILLERS, type Biller, readBill } from './providers/bills/bill-files.ts'
export { type Compared, compare as compareBill, type LedgerDay, type Tolerance } from './providers/bills/compare.ts'
export { CsvError } from './providers/bills/csv.ts'
export { providersIn, variablesOf } from './providers/found.ts'
export { DEMO_PROVIDER, PROVIDERS, providerKinds, providerRow } from './providers/table.ts'
