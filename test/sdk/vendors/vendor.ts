import type { JsonObject } from '../../harness/json.ts'
import type { Script } from './script.ts'

/** One request as it came over the network. */
export interface VendorRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: JsonObject
}

export interface VendorAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

/** A vendor's side of its wire format: what it refuses, and how it says what a script tells. Independent of src. */
export interface Vendor {
  /** As the gateway's configuration names it in tests. */
  readonly name: string
  /** Members of the provider's entry beside `base_url`. */
  readonly config: JsonObject
  /** Appended to the mock's address for `base_url`. */
  readonly root: string
  /** The start of its models' names. */
  readonly model: string
  /** The vendor's answer to a request that is wrong; null: it would take it. */
  check(request: VendorRequest): VendorAnswer | null
  modelOf(request: VendorRequest): string
  streams(request: VendorRequest): boolean
  /** Whether the newest turn holds results of calls. */
  hasResults(body: JsonObject): boolean
  whole(script: Script): unknown
  readonly streamType: string
  /** The stream, piece by piece as it goes onto the wire. */
  stream(script: Script): readonly (string | Buffer)[]
  /** The error object of a failed request. */
  error(status: number, message: string): unknown
  /** An error that a stream tells in the middle; null: the vendor has no such thing. */
  readonly streamError: string | Buffer | null
  /** What a sealed script is sealed with; null: the vendor seals nothing. */
  readonly seal: string | null
}

/** What the vendors' mocks expect as a key. */
export const VENDOR_KEY = 'vendor-key-Jx5rPw9Tq3'

/** The last turn of a conversation. */
export function newest(body: JsonObject, name: string): unknown {
  const turns = body[name]
  return Array.isArray(turns) ? turns.at(-1) : undefined
}
