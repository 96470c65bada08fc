"""Agreements that tests ask about."""

from __future__ import annotations

from hybrid.pipelines.legal.contract import Contract

from hybrid.corpus.readers.read import read_text

LEASE = """\
OFFICE LEASE AGREEMENT

This Office Lease Agreement (this "Lease") is made as of March 1, 2020 by and between Harbor Point LLC ("Landlord")
and Quill Systems, Inc. ("Tenant").

1. Definitions

1.1 "Affiliate" means any entity that controls, is controlled by or is under common control with a party.

1.2 "Premises" means the fourth floor of 12 Dock Street, Boston.

2. Term

2.1 Initial Term. The term of this Lease begins on April 1, 2020 and ends on March 31, 2025, unless it is ended
earlier under Section 4.

2.2 Renewal. Tenant may renew this Lease once for three years by notice given six months before the end of the term.

3. Rent

Tenant shall pay rent of $14,500 each month, in advance.

4. Termination

(a) Landlord may terminate this Lease if rent is unpaid for thirty days.

(b) Tenant may terminate this Lease for convenience on ninety days' notice after the second year.

5. Assignment

Tenant shall not assign this Lease without the consent of Landlord, except to an Affiliate.

6. Governing Law

This Lease is governed by the laws of the Commonwealth of Massachusetts.

IN WITNESS WHEREOF, the parties have signed this Lease.

By: ________________

EXHIBIT A

PREMISES

1. Floor plan

The plan of the fourth floor.
"""
AMENDMENT = """\
FIRST AMENDMENT TO OFFICE LEASE AGREEMENT

This First Amendment amends the Office Lease Agreement dated as of March 1, 2020 between Harbor Point LLC ("Landlord")
and Quill Systems, Inc. ("Tenant").

1. Term. Section 2.1 of the Lease is hereby amended to read: "The term of this Lease begins on April 1, 2020 and ends
on March 31, 2027."

2. No Other Changes. All other terms of the Lease stay in force.
"""
SUPPLY = """\
SUPPLY AGREEMENT

This Supply Agreement is dated May 5, 2021 and made between Corvid Metals GmbH (the "Supplier") and Latch Tools Ltd.

ARTICLE I TERM

Section 1.1 Duration. This Supply Agreement runs until 30 June 2026.

ARTICLE II LAW

Section 2.1 Governing Law. This Supply Agreement shall be governed by the laws of Germany.
"""
CORPUS = {"lease.txt": LEASE, "lease-amendment.txt": AMENDMENT, "supply.txt": SUPPLY}


def contract(text: str, name: str = "a.txt") -> Contract:
    return Contract.of(read_text(name, text))
