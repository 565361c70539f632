import { mkdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { accepts, type Child, freePort, startChild, waitFor } from './children.ts'
import {
  type GatewayFiles,
  gatewayWords,
  readInstance,
  writeGatewayConfiguration,
  writePlainConfiguration,
} from './gateway.ts'
import { writeMockConfiguration, writeProxyConfiguration } from './nginx.ts'
import { loadedGateway, type Options, type VariantName } from './options.ts'
import { processTree, type ThreadTime } from './processor-time.ts'
import type { LoadScenario } from './scenarios.ts'
import type { Tools } from './tools.ts'

/** A started program that answers the requests of a scenario, with what the measurement must know of it. */
export type Variant = {
  readonly name: VariantName
  readonly url: string
  /** Root of the measured process tree; null when only the mock answers. */
  readonly processId: number | null
  /** Whether a thread belongs to the part that carries requests. */
  readonly isDataThread: (thread: ThreadTime) => boolean
  /** Only for the gateway: what shows that it governs. */
  readonly governed: {
    readonly files: GatewayFiles
    readonly controlUrl: string
    readonly asksForKeys: boolean
  } | null
  /** Called after every block: keeps what a block leaves behind from filling the disk. */
  readonly afterBlock: () => void
  readonly stop: () => Promise<void>
}

/** What all variants of one level share. */
export type Stage = {
  readonly root: string
  readonly folder: string
  readonly tools: Tools
  readonly options: Options
  readonly upstream: { readonly port: number } & Pick<LoadScenario, 'setting' | 'path' | 'events' | 'protocol'>
}

/** Ports of the mock upstreams, all in programs on the processor of the load. */
export type Mocks = {
  readonly instant: number
  readonly slow: number
  readonly stream: number
  readonly plain: number
  readonly stop: () => Promise<void>
}

/** Starts the mock upstreams, one set for a whole run. */
export const startMocks = async (stage: Omit<Stage, 'upstream'>): Promise<Mocks> => {
  const ports = { instant: await freePort(), slow: await freePort() }
  const stream = await freePort()
  const plain = await freePort()
  const fixed = startChild(
    pinned(stage, 'load', [stage.tools.nginx, '-c', writeMockConfiguration(stage.folder, ports)]),
    join(stage.folder, 'mock.out'),
  )
  const program = (name: string, port: number): Child =>
    startChild(
      pinned(stage, 'load', [process.execPath, join(import.meta.dirname, `${name}.ts`), String(port)]),
      join(stage.folder, `${name}.out`),
    )
  const streaming = program('stream-mock', stream)
  const moving = program('plain-mock', plain)
  await waitFor('the mock upstream', fixed, () => accepts(ports.slow))
  await waitFor('the stream mock', streaming, () => accepts(stream))
  await waitFor('the mock of generic routes', moving, () => accepts(plain))
  return {
    ...ports,
    stream,
    plain,
    stop: async () => {
      await Promise.all([fixed.stop(), streaming.stop(), moving.stop()])
    },
  }
}

/** Starts one variant in front of the stage's upstream and resolves when it accepts requests. */
export const startVariant = (name: VariantName, stage: Stage): Promise<Variant> => starters[name](stage)

const starters: { readonly [Name in VariantName]: (stage: Stage) => Promise<Variant> } = {
  direct: (stage) =>
    Promise.resolve({
      ...bare('direct', stage.upstream.port, stage),
      processId: null,
      isDataThread: () => false,
      stop: () => Promise.resolve(),
    }),

  nginx: async (stage) => {
    const port = await freePort()
    const configuration = writeProxyConfiguration(folderOf(stage, 'nginx'), {
      port,
      upstreamPort: stage.upstream.port,
      stream: stage.upstream.events !== null,
      upgrade: stage.upstream.protocol === 'websocket',
    })
    const child = startMeasured(stage, 'nginx', [stage.tools.nginx, '-c', configuration])
    await waitFor('nginx', child, () => accepts(port))
    await waitFor('the worker of nginx', child, () => (processTree(child.processId).length > 1 ? true : null))
    return {
      ...bare('nginx', port, stage),
      processId: child.processId,
      isDataThread: (thread) => thread.processId !== child.processId,
      stop: child.stop,
    }
  },

  pipe: (stage) => startRelay(stage, 'pipe', ['pipe-relay.ts', String(stage.upstream.port)]),

  relay: (stage) => {
    const { port, setting } = stage.upstream
    const words = setting === 'chat' ? ['relay.ts', `http://127.0.0.1:${port}`] : ['plain-relay.ts', String(port)]
    return startRelay(stage, 'relay', words)
  },

  gateway: async (stage) => {
    const ports = { data: await freePort(), control: await freePort(), upstream: stage.upstream.port }
    const { setting, path } = stage.upstream
    const write = setting === 'chat' ? writeGatewayConfiguration : writePlainConfiguration
    const files = write(folderOf(stage, 'gateway'), ports)
    const child = startMeasured(stage, 'gateway', gatewayWords(loadedGateway(stage.options), files))
    const instance = await waitFor('the gateway', child, () => readInstance(files))
    return {
      name: 'gateway',
      url: instance.dataUrl + path,
      // A launcher may stand between us and the gateway: what is measured is the gateway itself.
      processId: instance.processId,
      isDataThread: (thread) => thread.name.startsWith('ferro-data'),
      governed: { files, controlUrl: instance.controlUrl, asksForKeys: setting === 'chat' },
      afterBlock: () => {
        if (statSync(files.accessLog, { throwIfNoEntry: false }) !== undefined) truncateSync(files.accessLog)
      },
      stop: child.stop,
    }
  },
}

/** Starts a relay of this folder: its file, its port, and what else it is told. */
const startRelay = async (stage: Stage, name: VariantName, [file = '', ...rest]: string[]): Promise<Variant> => {
  const port = await freePort()
  const program = join(import.meta.dirname, file)
  const child = startMeasured(stage, name, [process.execPath, program, String(port), ...rest])
  await waitFor(`the ${name}`, child, () => accepts(port))
  return {
    ...bare(name, port, stage),
    processId: child.processId,
    isDataThread: (thread) => thread.threadId === child.processId,
    stop: child.stop,
  }
}

const bare = (
  name: VariantName,
  port: number,
  stage: Stage,
): Pick<Variant, 'name' | 'url' | 'governed' | 'afterBlock'> => ({
  name,
  url: `http://127.0.0.1:${port}${stage.upstream.path}`,
  governed: null,
  afterBlock: () => undefined,
})

const folderOf = (stage: Pick<Stage, 'folder'>, name: string): string => {
  const folder = join(stage.folder, name)
  mkdirSync(folder, { recursive: true })
  return folder
}

const startMeasured = (stage: Stage, name: string, words: readonly string[]): Child =>
  startChild(pinned(stage, 'measured', words), join(folderOf(stage, name), 'output.log'), { folder: stage.root })

/** The words of a command, placed on the processor of its role where processes can be pinned. */
export const pinned = (
  stage: Pick<Stage, 'tools' | 'options'>,
  role: 'measured' | 'load',
  words: readonly string[],
): readonly string[] => {
  const { taskset } = stage.tools
  const { pin } = stage.options
  return taskset === null || pin === null ? words : [taskset, '-c', String(pin[role]), ...words]
}
