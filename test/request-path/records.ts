/** The record of a served request, for tests of modules that may not look into storage. */
export { sampleRecord } from '../../src/storage/testing/samples.ts'
