import { ADDRESS_RANGES, type AddressClass, type AddressRange } from './address-ranges.ts'
import { type Cidr, contains, type IpAddress, parseAddress, parseCidr } from './ip-address.ts'

/** What is known about an address. */
export interface Classified {
  readonly class: AddressClass
  /** The range that decided. */
  readonly range: AddressRange
  /** As a number; `hidden` is the IPv4 address that an IPv6 address carries, or null. */
  readonly address: IpAddress
  readonly hidden: IpAddress | null
}

const RANGES: readonly { readonly row: AddressRange; readonly cidr: Cidr }[] = ADDRESS_RANGES.map((row) => {
  const cidr = parseCidr(row.cidr)
  if (cidr === null) throw new Error(`Not a range of addresses: ${row.cidr}`)
  return { row, cidr }
})

/** Classifies an address as it is given to a socket; null when it is none. A hidden address decides for its carrier. */
export function classifyAddress(text: string): Classified | null {
  const address = parseAddress(text)
  return address === null ? null : classify(address)
}

function classify(address: IpAddress): Classified {
  const found = RANGES.find(({ cidr }) => contains(cidr, address))
  // The table ends each family with the range of everything.
  if (found === undefined) throw new Error('The table of ranges has a gap.')
  const range = found.row
  if (range.carries === undefined) return { class: range.class, range, address, hidden: null }
  const hidden: IpAddress = { family: 4, value: BigInt.asUintN(32, address.value >> range.carries) }
  return { ...classify(hidden), address, hidden }
}
