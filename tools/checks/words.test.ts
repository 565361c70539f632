import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkCoreWords, checkVendorWords } from './words.ts'

const core = (text: string, file = 'src/core/a.ts') => checkCoreWords([{ file, text }]).map(({ what }) => what)
const vendor = (text: string, file = 'src/app/a.ts') => checkVendorWords([{ file, text }]).map(({ line }) => line)

test('finds words of AI in the core: in code, strings, comments, parts of names and file names', () => {
  const samples = ['servedModel', 'MODELS', "'prompt'", '// a tool', 'list_embeddings', 'parseMCPFrame', 'OpenAIError']
  for (const sample of samples) assert.equal(core(`const a = 1\n${sample}\n`).length, 1, sample)
  assert.equal(core('', 'src/core/model-list.ts').length, 1)
  assert.deepEqual(core('// OpenAI'), ['the word "openai" in src/core'])
})

test('leaves words that only contain one, and other modules, alone', () => {
  assert.deepEqual(core('remodelled promptly, toolbar, fooling, cooler, OpenApi, egpt'), [])
  assert.deepEqual(checkCoreWords([{ file: 'src/ai/a.ts', text: 'model' }]), [])
})

test("finds a vendor's name in code and strings outside its row, but not in a comment or a test", () => {
  assert.deepEqual(vendor(`// OpenAI says so\nif (kind === 'openai') go()\nfromClaude()\n`), [2, 3])
  assert.deepEqual(vendor(`'openai'`, 'src/ai/providers/table.ts'), [])
  assert.deepEqual(vendor(`'openai'`, 'src/ai/chat.test.ts'), [])
})
