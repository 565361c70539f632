import type { ListenAddress } from '../config/index.ts'

/** What a start is told from outside of its configuration. */
export interface StartOptions {
  /** Of this program, shown by the status. */
  readonly version: string
  readonly configPath: string | null
  readonly dataDir: string | null
  readonly workers: number | 'auto' | null
  readonly listen: ListenAddress | null
  readonly control: ListenAddress | null
}

/** A gateway as the command line has it. */
export interface RunningGateway {
  readonly dataUrl: string
  /** Where each data listener is reached, by its name. */
  readonly listeners: Readonly<Record<string, string>>
  readonly controlUrl: string
  readonly configSource: string | null
  /** Name of an environment variable by which a provider is found, as an example for people. */
  readonly exampleVariable: string
  /** Providers of the document, the built-in one left out. */
  readonly providers: readonly string[]
  /** How many routes and upstreams the document has. */
  readonly routes: number
  readonly upstreams: number
  /** Whether clients need virtual keys; see `wantsKeys`. */
  readonly wantsKeys: boolean
  /** The secret of the key that was created now, because there was none; shown once. */
  readonly firstKey: string | null
  readonly dataDir: string
  readonly adminTokenFile: string
  /** Takes over a changed configuration, or says in the log why not. */
  reload(reason: string): Promise<void>
  /** Finishes what runs within the grace, then ends. */
  drain(): Promise<void>
  /** Ends at once: what runs is cut, everything is settled. */
  stopNow(): void
  readonly stopped: Promise<number>
}
