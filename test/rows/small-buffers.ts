import { spawnSync } from 'node:child_process'

const INSIDE = 'FERRO_ROWS_SMALL_BUFFERS'
const SIZES = '4096 16384 65536'

/**
 * Runs node with these arguments in a network of its own, whose socket buffers are 64 KiB at most: what the kernel holds then
 * hides nothing of what the gateway does. False when that cannot be (only root on Linux may), or is so already.
 */
export function withSmallBuffers(args: readonly string[]): boolean {
  if (process.env[INSIDE] !== undefined || process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const set = ['rmem', 'wmem'].map((name) => `echo ${SIZES} > /proc/sys/net/ipv4/tcp_${name}`)
  const prepare = ['ip link set lo up', ...set]
  const within = (command: string) => [...prepare, command].join(' && ')
  if (spawnSync('unshare', ['--net', 'sh', '-c', within('true')]).status !== 0) return false
  const run = within('exec "$@"')
  spawnSync('unshare', ['--net', 'sh', '-c', run, 'sh', process.execPath, ...args], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  })
  return true
}
