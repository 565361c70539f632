import { keepCompiledCode } from './compiled-code.ts'
import { loadDocument } from './configuration.ts'
import type { RunningGateway, StartOptions } from './running-gateway.ts'

/** Starts the gateway in this process. Rejects with a StartError for anything that a person can mend. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  // The thread that loads the configuration runs while this one loads the code of everything else.
  const [{ document, exampleVariable }, { ControlThread }] = await Promise.all([
    loadDocument(options.configPath, options),
    import('./control-thread.ts'),
  ])
  const gateway = new ControlThread(options, document, exampleVariable)
  await gateway.start()
  keepCompiledCode()
  return gateway
}
