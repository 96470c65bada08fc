// Cloakroom desk of the Velodrome Ballroom: tags, hooks and lost property.

export const HOOKS_PER_RAIL = 48;
export const FEE_CENTS = 220;
export const UMBRELLA_FEE_CENTS = 80;
const LOST_TAG_FINE_CENTS = 1150;
const KEEP_DAYS = 21;

export type ItemKind = "coat" | "bag" | "umbrella" | "helmet";

export interface Deposit {
  tag: string;
  kind: ItemKind;
  rail: number;
  hook: number;
  handedInAt: Date;
  phone?: string;
}

export class RailFullError extends Error {}
export class UnknownTagError extends Error {}

/** Builds the tag text: rail letter plus a three-digit hook number, such as "C017". */
export function makeTag(rail: number, hook: number): string {
  const letter = String.fromCharCode(65 + rail);
  return letter + String(hook).padStart(3, "0");
}

/** Price in cents. Helmets are kept free of charge; umbrellas have their own price. */
export function feeFor(kind: ItemKind): number {
  if (kind === "helmet") return 0;
  return kind === "umbrella" ? UMBRELLA_FEE_CENTS : FEE_CENTS;
}

export class Cloakroom {
  private deposits = new Map<string, Deposit>();

  constructor(private rails: number = 6) {}

  /** Hangs an item on the first free hook, and throws RailFullError when every rail is taken. */
  handIn(kind: ItemKind, now: Date, phone?: string): Deposit {
    for (let rail = 0; rail < this.rails; rail++) {
      for (let hook = 1; hook <= HOOKS_PER_RAIL; hook++) {
        const tag = makeTag(rail, hook);
        if (this.deposits.has(tag)) continue;
        const d: Deposit = { tag, kind, rail, hook, handedInAt: now, phone };
        this.deposits.set(tag, d);
        return d;
      }
    }
    throw new RailFullError("no hook left");
  }

  /** Gives an item back and frees its hook. */
  collect(tag: string): Deposit {
    const d = this.deposits.get(tag.trim().toUpperCase());
    if (!d) throw new UnknownTagError(tag);
    this.deposits.delete(d.tag);
    return d;
  }

  /** Visitors without their tag pay the fine on top of the normal fee. */
  collectWithoutTag(tag: string): number {
    const d = this.collect(tag);
    return feeFor(d.kind) + LOST_TAG_FINE_CENTS;
  }

  /** Items older than KEEP_DAYS, to be sent to the charity shop. */
  unclaimed(now: Date): Deposit[] {
    const limit = now.getTime() - KEEP_DAYS * 86_400_000;
    return [...this.deposits.values()].filter((d) => d.handedInAt.getTime() < limit);
  }
}
