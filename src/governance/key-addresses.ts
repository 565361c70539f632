import { compileNetworks, type Exchange, GatewayError, isIn } from '../core/index.ts'

/** Whether a client's address may use a key. */
export type AddressCheck = (address: string) => boolean

/** Compiles the networks of a key; null when it may be used from everywhere. */
export function addressCheck(networks: readonly string[] | null): AddressCheck | null {
  if (networks === null) return null
  const list = compileNetworks(networks)
  return (address) => isIn(list, address)
}

/**
 * Why a request may not use its key from where it comes; null when it may. The address is the one that trusted proxies
 * tell, else the connection's; a client that has none (a socket of this machine's file system) is in no network.
 */
export function addressRefusal(x: Exchange, mayComeFrom: AddressCheck | null): GatewayError | null {
  if (mayComeFrom === null) return null
  const address = x.origin?.address ?? x.client.address ?? ''
  if (mayComeFrom(address)) return null
  const from = address === '' ? 'here' : address
  const message = `This API key may not be used from ${from}; it is bound to other networks (\`addresses\` of the key).`
  return new GatewayError('address_not_allowed', message)
}
