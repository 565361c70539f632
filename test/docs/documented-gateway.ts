import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { ROOT } from './pages.ts'

/** What a command of the documentation did. */
export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const COMMAND_MS = 30_000

/** Ends at the first command that fails, and keeps the progress of `curl` out of what is shown. */
const PRELUDE = 'set -euo pipefail; curl() { command curl --silent --show-error "$@"; }\n'

/** A gateway as the pages assume one: with a key in `$FERRO_KEY`, seen from the folder that it was started in. */
export class DocumentedGateway {
  readonly #gateway: Gateway
  readonly #folder: string
  readonly #environment: Readonly<Record<string, string>>

  private constructor(gateway: Gateway, folder: string, environment: Readonly<Record<string, string>>) {
    this.#gateway = gateway
    this.#folder = folder
    this.#environment = environment
  }

  /** Starts one in a folder of its own. */
  static async start(): Promise<DocumentedGateway> {
    const folder = mkdtempSync(join(tmpdir(), 'ferro-docs-'))
    const [dev, poor] = [keyPair('dev'), keyPair('poor')]
    const config = {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      keys: [
        { id: dev.id, hash: dev.hash },
        { id: poor.id, hash: poor.hash, budgets: [{ tokens: 200, per: 'month' }] },
      ],
    }
    const gateway = await Gateway.start({ config, dataDir: join(folder, '.ferro') })
    await answerOnce(gateway, dev.secret)
    return new DocumentedGateway(gateway, folder, { FERRO_KEY: dev.secret, POOR_KEY: poor.secret })
  }

  /** The text with the addresses of this gateway in the place of the usual ones. */
  here(example: string): string {
    return example
      .replaceAll('http://127.0.0.1:8080', this.#gateway.url)
      .replaceAll('http://127.0.0.1:8081', this.#gateway.controlUrl)
  }

  /** Runs a shell example where the gateway was started. */
  async shell(example: string): Promise<CommandResult> {
    return await this.#run('bash', ['-c', PRELUDE + this.here(example)], this.#folder)
  }

  /** Runs a TypeScript example where the packages of the repository are found. */
  async typescript(example: string): Promise<CommandResult> {
    return await this.#run(process.execPath, ['--input-type=module-typescript', '--eval', this.here(example)], ROOT)
  }

  /** The metrics text. */
  async metrics(): Promise<string> {
    const answer = await fetch(`${this.#gateway.controlUrl}/metrics`)
    return await answer.text()
  }

  /** Ends the gateway and removes its folder. */
  async close(): Promise<void> {
    await this.#gateway.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #run(program: string, args: readonly string[], cwd: string): Promise<CommandResult> {
    const { PATH = '', HOME = '' } = process.env
    // `ferro`, and the Node that runs this test, as an installed package would have them.
    const path = [join(ROOT, 'bin'), join(process.execPath, '..'), PATH].join(delimiter)
    const env = { ...this.#environment, PATH: path, HOME }
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS })
    const code = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: await code, stdout, stderr }
  }
}

/** Sends one request and waits for its record, so that the pages have something to show. */
async function answerOnce(gateway: Gateway, secret: string): Promise<void> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo/demo-chat', messages: [{ role: 'user', content: 'Hello!' }] }),
  })
  await answer.text()
  await eventually(
    () => {
      using database = gateway.db()
      return database.prepare('SELECT id FROM requests').get() ?? null
    },
    { what: 'the record of the first request' },
  )
}
