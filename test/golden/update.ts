/*
 * `npm run golden`: writes what translations give now into test/golden and docs/conformance.md. Read the difference before
 * you commit it: each line of it is something that a client or a vendor will see.
 */
import { writeFileSync } from 'node:fs'
import { conformancePage } from './conformance.ts'
import { answerFiles, requestFiles, update } from './corpus.ts'

const requests = requestFiles()
const answers = answerFiles()
update(requests)
update(answers)
writeFileSync(new URL('../../docs/conformance.md', import.meta.url), conformancePage(requests, answers))
