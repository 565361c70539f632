import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { default as Anthropic, type ClientOptions as AnthropicOptions } from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI, { type ClientOptions } from 'openai'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject, type JsonObject } from '../harness/json.ts'
import { ledgerViolations } from '../harness/ledger-rules.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { VENDORS } from './vendors/index.ts'
import { VENDOR_KEY } from './vendors/vendor.ts'
import { VendorServer } from './vendors/vendor-server.ts'

/** The vendors' names, each a provider of the gateway. */
export type VendorName = (typeof VENDORS)[number]['name']

/** A started gateway with a vendor of each wire format behind it, whose models are addressed as `vendor/model`. */
export class DialectHouse {
  readonly gateway: Gateway
  readonly key: TestKey
  readonly #servers: ReadonlyMap<string, VendorServer>

  private constructor(gateway: Gateway, key: TestKey, servers: ReadonlyMap<string, VendorServer>) {
    this.gateway = gateway
    this.key = key
    this.#servers = servers
  }

  /** Starts everything; `more` are members of the configuration. */
  static async build(more: JsonObject = {}): Promise<DialectHouse> {
    const servers = new Map<string, VendorServer>()
    for (const vendor of VENDORS) servers.set(vendor.name, await VendorServer.start(vendor))
    const key = keyPair('dialects')
    const providers = Object.fromEntries(
      [...servers].map(([name, { url, vendor }]) => {
        return [name, { api_key: VENDOR_KEY, base_url: url, direct: true, ...vendor.config }]
      }),
    )
    const config = {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      providers,
      keys: [{ id: key.id, hash: key.hash }],
      ...more,
    }
    try {
      return new DialectHouse(await Gateway.start({ config }), key, servers)
    } catch (error) {
      for (const server of servers.values()) await server.close()
      throw error
    }
  }

  server(name: string): VendorServer {
    const server = this.#servers.get(name)
    if (server === undefined) throw new Error(`there is no vendor ${name}`)
    return server
  }

  /** The name by which clients reach this vendor's model that answers so. */
  model(vendor: string, script: string): string {
    return `${vendor}/${this.server(vendor).vendor.model}--${script}`
  }

  /** OpenAI's client, without retries of its own. */
  openai(options: ClientOptions = {}): OpenAI {
    return new OpenAI({ apiKey: this.key.secret, baseURL: `${this.gateway.url}/v1`, maxRetries: 0, ...options })
  }

  /** Anthropic's client, without retries of its own. */
  anthropic(options: AnthropicOptions = {}): Anthropic {
    return new Anthropic({ apiKey: this.key.secret, baseURL: this.gateway.url, maxRetries: 0, ...options })
  }

  /** Google's client, for the version of the API that is meant. */
  google(apiVersion: 'v1beta' | 'v1' = 'v1beta'): GoogleGenAI {
    return new GoogleGenAI({ apiKey: this.key.secret, apiVersion, httpOptions: { baseUrl: this.gateway.url } })
  }

  /** Sends a body with the house's key to this path. */
  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return await fetch(`${this.gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.key.secret}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  }

  /** The record of a request, by the id in its answer's headers, when the database has it. */
  async record(id: string | null): Promise<JsonObject> {
    return await eventually(
      () => {
        using database = this.gateway.db()
        const row: unknown = database.prepare('SELECT * FROM requests WHERE id = ?').get(id)
        return isObject(row) ? row : null
      },
      { what: `the record of ${id}` },
    )
  }

  /** Fails when a vendor refused something since the last time, or when the ledger contradicts itself. */
  async assertClean(): Promise<void> {
    const refused = [...this.#servers].flatMap(([name, { refusals }]) =>
      refusals.splice(0).map(({ body }) => [name, body]),
    )
    assert.deepEqual(refused, [], 'a vendor refused what the gateway sent')
    await this.assertBooks()
  }

  /** Fails when the ledger contradicts itself: each attempt is reserved once and settled once. */
  async assertBooks(): Promise<void> {
    let violations: readonly string[] = []
    const settled = () => {
      violations = ledgerViolations(readLedger(this.gateway.databasePath))
      return violations.length === 0
    }
    await eventually(settled, { what: 'the ledger to be consistent' }).catch(() => assert.deepEqual(violations, []))
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.gateway.close()
    for (const server of this.#servers.values()) await server.close()
  }
}

/** Registers hooks that start a house for all tests of the file. */
export function useDialectHouse(more: JsonObject = {}): () => DialectHouse {
  let house: DialectHouse | null = null
  before(async () => {
    house = await DialectHouse.build(more)
  })
  after(() => house?.close())
  return () => {
    if (house === null) throw new Error('the house is built by a hook: use it inside tests')
    return house
  }
}
