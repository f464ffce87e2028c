"""Eight processes that ask for the same key at the same moment, under faults and kills: is each key paid once?"""
