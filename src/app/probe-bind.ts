import { createServer } from 'node:net'
import type { ListenAddress } from '../config/index.ts'
import { StartError } from './start-error.ts'

/**
 * Refuses an address that another process listens on. Listeners that share a port never get EADDRINUSE, so that a
 * second instance would silently take half of the connections; a bind without sharing tells. Beside listeners of our own
 * on that port, of another address that includes this one or is included, only sharing can be tried.
 */
export async function probeBind(
  key: string,
  { host, port }: ListenAddress,
  { beside = 'nobody' }: { readonly beside?: 'nobody' | 'ourselves' } = {},
): Promise<void> {
  if (port === 0) return
  await new Promise<void>((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(explain(key, host, port, error))))
    const sharing = beside === 'ourselves' ? { reusePort: true } : { exclusive: true }
    server.listen({ host, port, ...sharing }, () => server.close(() => resolve()))
  })
}

function explain(key: string, host: string, port: number, error: NodeJS.ErrnoException): string {
  const where = `${host}:${port} (${key})`
  switch (error.code) {
    case 'EADDRINUSE':
      return `Another process listens on ${where}. Stop it, or choose another port.`
    case 'EACCES':
      return `This user may not listen on ${where}. Choose a port above 1023, or grant the permission.`
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${where}.`
    default:
      return `Cannot listen on ${where}: ${error.message}`
  }
}
