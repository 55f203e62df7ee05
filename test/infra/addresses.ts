/** Ranges of IPv4 addresses, as virtual networks have them: "10.90.0.0/24". */

export interface AddressRange {
  readonly first: number;
  readonly size: number;
  /** Bits of the network: 24. */
  readonly prefix: number;
}

export function parseRange(text: string): AddressRange {
  const [, address = "", length = ""] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(text) ?? [];
  const bytes = address.split(".").map(Number);
  const prefix = Number(length);
  const size = 2 ** (32 - prefix);
  const first = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  if (bytes.some((byte) => byte > 255) || prefix > 32 || first % size !== 0 || length === "")
    throw new Error(`"${text}" is no range of addresses.`);
  return { first, size, prefix };
}

export function isWithin(inner: AddressRange, outer: AddressRange): boolean {
  return inner.first >= outer.first && inner.first + inner.size <= outer.first + outer.size;
}

/** As Bicep's `cidrSubnet`: the range of that length which has that number, from 0. */
export function subnetOf(text: string, prefix: number, number: number): string {
  const first = parseRange(text).first + number * 2 ** (32 - prefix);
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${bytes.join(".")}/${prefix}`;
}
