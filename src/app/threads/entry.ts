/** The one entry of all threads; the role is in the start data, so that a single executable needs no second file. */
import { workerData } from 'node:worker_threads'
import { keepCompiledCode } from '../compiled-code.ts'
import type { ThreadStart } from '../messages.ts'

const start = workerData as ThreadStart // written by the control thread
switch (start.role) {
  case 'data': {
    const { runDataWorker } = await import('./data-worker.ts')
    await runDataWorker()
    break
  }
  case 'writer': {
    const { runWriter } = await import('./writer-thread.ts')
    await runWriter(start)
    break
  }
  case 'cluster': {
    const { runCluster } = await import('./cluster-thread.ts')
    await runCluster(start)
    break
  }
  case 'config': {
    const { runConfig } = await import('./config-thread.ts')
    await runConfig(start)
    break
  }
  case 'reader': {
    const { runReader } = await import('./reader-thread.ts')
    await runReader(start)
    break
  }
}
keepCompiledCode()
