import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadDocument, type Overrides } from './configuration.ts'
import { StartError } from './start-error.ts'

const NONE: Overrides = { dataDir: null, workers: null, listen: null, control: null }

function fileWith(t: TestContext, text: string): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-configuration-'))
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'ferro.yaml')
  fs.writeFileSync(file, text)
  return file
}

async function problemsOf(file: string): Promise<StartError> {
  try {
    await loadDocument(file, NONE)
  } catch (error) {
    assert.ok(error instanceof StartError, String(error))
    return error
  }
  throw new Error('the document was taken')
}

test('flags are held to what a file may say', async (t) => {
  const file = fileWith(t, 'listen: 127.0.0.1:1111\n')
  const open = { host: '0.0.0.0', port: 2222 }
  await assert.rejects(
    loadDocument(file, { ...NONE, control: open }),
    /--control 0\.0\.0\.0:2222: other machines could/,
  )
  const allowed = fileWith(t, 'control: { allow_public: true }\n')
  await loadDocument(allowed, { ...NONE, control: open })
  const same = { host: '127.0.0.1', port: 1111 }
  await assert.rejects(loadDocument(file, { ...NONE, control: same }), /need different addresses/)
  await assert.rejects(loadDocument(file, { ...NONE, listen: { host: '0.0.0.0', port: 8081 } }), /need different/)
})

test('the command line wins over the file', async (t) => {
  const file = fileWith(t, 'data_dir: there\nworkers: 2\nlisten: 127.0.0.1:1111\ncontrol: { listen: 127.0.0.1:2222 }\n')
  const { document: own } = await loadDocument(file, NONE)
  assert.deepEqual([own.data_dir, own.workers, own.listen.port, own.control.listen.port], ['there', 2, 1111, 2222])
  const { document: changed } = await loadDocument(file, {
    dataDir: 'here',
    workers: 'auto',
    listen: { host: '127.0.0.1', port: 1 },
    control: { host: '127.0.0.1', port: 2 },
  })
  assert.deepEqual(
    [changed.data_dir, changed.workers, changed.listen.port, changed.control.listen.port],
    ['here', 'auto', 1, 2],
  )
  assert.equal(changed.control.allow_public, own.control.allow_public)
})

test('says everything that is wrong with a file, and where', async (t) => {
  const file = fileWith(t, 'lisen: 127.0.0.1:1\nworkers: many\n')
  const { message, details } = (await problemsOf(file)) as StartError & { details?: string }
  assert.equal(message, `${file} has 2 errors.`)
  assert.match(JSON.stringify(details), /lisen[\s\S]*workers/)
})

test('says which secrets are not there, before anything starts', async (t) => {
  const file = fileWith(t, `providers: { far: { kind: openai, api_key: "\${FERRO_TEST_MISSING}" } }\n`)
  assert.match((await problemsOf(file)).message, /has 1 error/)
})

test('without a file, the providers whose keys are in the environment can be addressed', async (t) => {
  const before = process.env['GROQ_API_KEY']
  t.after(() => {
    if (before === undefined) delete process.env['GROQ_API_KEY']
    else process.env['GROQ_API_KEY'] = before
  })
  process.env['GROQ_API_KEY'] = 'sample'
  const { providers } = (await loadDocument(null, NONE)).document
  assert.deepEqual([providers['groq']?.kind, providers['groq']?.direct], ['groq', true])
  assert.ok(!JSON.stringify(providers).includes('sample'), 'the reference, not the secret')
})
