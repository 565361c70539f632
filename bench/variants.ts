import { mkdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { accepts, type Child, freePort, startChild, waitFor } from './children.ts'
import { type GatewayFiles, gatewayWords, readInstance, writeGatewayConfiguration } from './gateway.ts'
import { chatPath, writeMockConfiguration, writeProxyConfiguration } from './nginx.ts'
import { loadedGateway, type Options, type VariantName } from './options.ts'
import { processTree, type ThreadTime } from './processor-time.ts'
import type { Tools } from './tools.ts'

/** A started program that answers chat completions, with what the measurement must know of it. */
export type Variant = {
  readonly name: VariantName
  readonly url: string
  /** Root of the measured process tree; null when only the mock answers. */
  readonly processId: number | null
  /** Whether a thread belongs to the part that carries requests. */
  readonly isDataThread: (thread: ThreadTime) => boolean
  /** Only for the gateway: what shows that it governs. */
  readonly governed: { readonly files: GatewayFiles; readonly controlUrl: string } | null
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
  readonly upstream: { readonly port: number; readonly stream: boolean }
}

/** Ports of the mock upstreams, all in programs on the processor of the load. */
export type Mocks = {
  readonly instant: number
  readonly slow: number
  readonly stream: number
  readonly stop: () => Promise<void>
}

/** Starts the mock upstreams, one set for a whole run. */
export const startMocks = async (stage: Omit<Stage, 'upstream'>): Promise<Mocks> => {
  const ports = { instant: await freePort(), slow: await freePort() }
  const stream = await freePort()
  const plain = startChild(
    pinned(stage, 'load', [stage.tools.nginx, '-c', writeMockConfiguration(stage.folder, ports)]),
    join(stage.folder, 'mock.out'),
  )
  const streaming = startChild(
    pinned(stage, 'load', [process.execPath, join(import.meta.dirname, 'stream-mock.ts'), String(stream)]),
    join(stage.folder, 'stream-mock.out'),
  )
  await waitFor('the mock upstream', plain, () => accepts(ports.slow))
  await waitFor('the stream mock', streaming, () => accepts(stream))
  return {
    ...ports,
    stream,
    stop: async () => {
      await Promise.all([plain.stop(), streaming.stop()])
    },
  }
}

/** Starts one variant in front of the stage's upstream and resolves when it accepts requests. */
export const startVariant = (name: VariantName, stage: Stage): Promise<Variant> => starters[name](stage)

const starters: { readonly [Name in VariantName]: (stage: Stage) => Promise<Variant> } = {
  direct: (stage) =>
    Promise.resolve({
      ...bare('direct', stage.upstream.port),
      processId: null,
      isDataThread: () => false,
      stop: () => Promise.resolve(),
    }),

  nginx: async (stage) => {
    const port = await freePort()
    const configuration = writeProxyConfiguration(folderOf(stage, 'nginx'), {
      port,
      upstreamPort: stage.upstream.port,
      stream: stage.upstream.stream,
    })
    const child = startMeasured(stage, 'nginx', [stage.tools.nginx, '-c', configuration])
    await waitFor('nginx', child, () => accepts(port))
    await waitFor('the worker of nginx', child, () => (processTree(child.processId).length > 1 ? true : null))
    return {
      ...bare('nginx', port),
      processId: child.processId,
      isDataThread: (thread) => thread.processId !== child.processId,
      stop: child.stop,
    }
  },

  relay: async (stage) => {
    const port = await freePort()
    const upstream = `http://127.0.0.1:${stage.upstream.port}`
    const program = join(import.meta.dirname, 'relay.ts')
    const child = startMeasured(stage, 'relay', [process.execPath, program, String(port), upstream])
    await waitFor('the relay', child, () => accepts(port))
    return {
      ...bare('relay', port),
      processId: child.processId,
      isDataThread: (thread) => thread.threadId === child.processId,
      stop: child.stop,
    }
  },

  gateway: async (stage) => {
    const ports = { data: await freePort(), control: await freePort(), upstream: stage.upstream.port }
    const files = writeGatewayConfiguration(folderOf(stage, 'gateway'), ports)
    const child = startMeasured(stage, 'gateway', gatewayWords(loadedGateway(stage.options), files))
    const instance = await waitFor('the gateway', child, () => readInstance(files))
    return {
      name: 'gateway',
      url: instance.dataUrl + chatPath,
      // A launcher may stand between us and the gateway: what is measured is the gateway itself.
      processId: instance.processId,
      isDataThread: (thread) => thread.name.startsWith('ferro-data'),
      governed: { files, controlUrl: instance.controlUrl },
      afterBlock: () => {
        if (statSync(files.accessLog, { throwIfNoEntry: false }) !== undefined) truncateSync(files.accessLog)
      },
      stop: child.stop,
    }
  },
}

const bare = (name: VariantName, port: number): Pick<Variant, 'name' | 'url' | 'governed' | 'afterBlock'> => ({
  name,
  url: `http://127.0.0.1:${port}${chatPath}`,
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
