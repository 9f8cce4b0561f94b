"""Lines in the simulated worlds: desk, feeder, conductor and drawer are what ships.

Their tables, a beacon in the world's time, and people who join, wish, leave and come
back are made here. A process that dies, dies between any two of their steps. What came
of it is judged by a twin that sees the journal alone.
"""
