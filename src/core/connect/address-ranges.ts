/** What a connection to an address would reach, seen from the machine that the gateway runs on. */
export type AddressClass =
  /** Somewhere on the internet. */
  | 'public'
  /** A network of its own: private, shared by a carrier's customers, or behind a local translator. */
  | 'private'
  /** This machine. */
  | 'loopback'
  /** The same wire. */
  | 'link-local'
  /** A service that tells a machine about itself, its credentials included. */
  | 'metadata'
  | 'multicast'
  /** Nobody should be there: documentation, tests, tunnels, never assigned. */
  | 'reserved'

/** One range of addresses. */
export interface AddressRange {
  readonly cidr: string
  readonly class: AddressClass
  /** The document that sets the range aside. */
  readonly source: string
  /** Given when the range carries IPv4 addresses, which decide: the bits to the right of such an address. */
  readonly carries?: bigint
}

/**
 * The ranges that are not simply public; the first that contains an address decides. It follows the special-purpose
 * registries of IANA (RFC 6890), read in 2026. What is public by those registries, but lies within a larger range that
 * is not, counts as the larger range: nobody runs an upstream there.
 */
export const ADDRESS_RANGES: readonly AddressRange[] = [
  // Machines' metadata, first: they lie within other ranges, and one of them looks public.
  { cidr: '169.254.169.254/32', class: 'metadata', source: 'metadata of most clouds' },
  { cidr: '169.254.170.2/32', class: 'metadata', source: 'credentials of container tasks' },
  { cidr: '169.254.170.23/32', class: 'metadata', source: 'credentials of pods' },
  { cidr: '169.254.0.23/32', class: 'metadata', source: "a cloud's metadata" },
  { cidr: '100.100.100.200/32', class: 'metadata', source: "a cloud's metadata" },
  { cidr: '168.63.129.16/32', class: 'metadata', source: "a cloud's agent endpoint, in a range that looks public" },
  { cidr: '192.0.0.192/32', class: 'metadata', source: "a cloud's metadata" },
  { cidr: 'fd00:ec2::254/128', class: 'metadata', source: "a cloud's metadata" },
  { cidr: 'fd00:ec2::23/128', class: 'metadata', source: 'credentials of pods' },
  { cidr: 'fd20:ce::254/128', class: 'metadata', source: "a cloud's metadata" },

  { cidr: '0.0.0.0/8', class: 'reserved', source: 'RFC 791, 3.2: "this network"; 0.0.0.0 reaches this machine' },
  { cidr: '10.0.0.0/8', class: 'private', source: 'RFC 1918' },
  { cidr: '100.64.0.0/10', class: 'private', source: 'RFC 6598' },
  { cidr: '127.0.0.0/8', class: 'loopback', source: 'RFC 1122, 3.2.1.3' },
  { cidr: '169.254.0.0/16', class: 'link-local', source: 'RFC 3927' },
  { cidr: '172.16.0.0/12', class: 'private', source: 'RFC 1918' },
  { cidr: '192.0.0.0/24', class: 'reserved', source: 'RFC 6890, 2.1' },
  { cidr: '192.0.2.0/24', class: 'reserved', source: 'RFC 5737' },
  { cidr: '192.88.99.0/24', class: 'reserved', source: 'RFC 7526' },
  { cidr: '192.168.0.0/16', class: 'private', source: 'RFC 1918' },
  { cidr: '198.18.0.0/15', class: 'reserved', source: 'RFC 2544' },
  { cidr: '198.51.100.0/24', class: 'reserved', source: 'RFC 5737' },
  { cidr: '203.0.113.0/24', class: 'reserved', source: 'RFC 5737' },
  { cidr: '224.0.0.0/4', class: 'multicast', source: 'RFC 5771' },
  { cidr: '240.0.0.0/4', class: 'reserved', source: 'RFC 1112, 4; 255.255.255.255 is RFC 919' },
  { cidr: '0.0.0.0/0', class: 'public', source: 'RFC 791' },

  { cidr: '::/128', class: 'reserved', source: 'RFC 4291, 2.5.2; it reaches this machine' },
  { cidr: '::1/128', class: 'loopback', source: 'RFC 4291, 2.5.3' },
  { cidr: '::ffff:0:0/96', class: 'public', source: 'RFC 4291, 2.5.5.2: mapped', carries: 0n },
  { cidr: '::ffff:0:0:0/96', class: 'public', source: 'RFC 2765, 2.1: translated', carries: 0n },
  { cidr: '::/96', class: 'public', source: 'RFC 4291, 2.5.5.1: compatible', carries: 0n },
  { cidr: '64:ff9b::/96', class: 'public', source: 'RFC 6052, 2.1: NAT64', carries: 0n },
  { cidr: '64:ff9b:1::/48', class: 'private', source: 'RFC 8215' },
  { cidr: '2001::/23', class: 'reserved', source: 'RFC 2928; Teredo (RFC 4380) among them' },
  { cidr: '2001:db8::/32', class: 'reserved', source: 'RFC 3849' },
  { cidr: '2002::/16', class: 'public', source: 'RFC 3056, 2: 6to4', carries: 80n },
  { cidr: '3fff::/20', class: 'reserved', source: 'RFC 9637' },
  { cidr: '2000::/3', class: 'public', source: 'RFC 4291, 2.5.4' },
  { cidr: 'fc00::/7', class: 'private', source: 'RFC 4193' },
  { cidr: 'fe80::/10', class: 'link-local', source: 'RFC 4291, 2.5.6' },
  { cidr: 'fec0::/10', class: 'private', source: 'RFC 3879' },
  { cidr: 'ff00::/8', class: 'multicast', source: 'RFC 4291, 2.7' },
  // 100::/64 (RFC 6666), 5f00::/16 (RFC 9602) and all that was never assigned.
  { cidr: '::/0', class: 'reserved', source: 'RFC 4291, 2.4' },
]
