"""Eight processes use the same key at the same time, with faults and kills: each key must be billed once."""
