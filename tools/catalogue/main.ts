/*
 * `npm run catalogue`: compiles `data/catalogue.txt` from the packages that have prices and capabilities as data, and from
 * what vendors document (`facts.ts`). Prints how much there is.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { compile } from './compile.ts'
import { capabilityRows, capabilitySource, pricedModels, pricedSource } from './sources.ts'

const now = new Date()
const { text, counts } = compile({
  priced: pricedModels(),
  capable: await capabilityRows(),
  sources: [pricedSource(), capabilitySource],
  now,
})
const file = path.resolve(import.meta.dirname, '../../data/catalogue.txt')
writeFileSync(file, text)
console.log(`data/catalogue.txt: ${(text.length / 1024).toFixed(0)} KiB`, counts)
