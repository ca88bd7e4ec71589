"""Why a packet was rejected."""

import enum


class Reason(enum.StrEnum):
    """Why a packet was rejected."""

    NOT_UTF8 = "not UTF-8"
    NOT_JSON = "not JSON"
    TOO_DEEP = "nested too deep"
    NUMBER_TOO_LONG = "a number too long"
    NOT_AN_OBJECT = "not a JSON object"
    FIELD_MISSING = "a field is missing"
    FIELD_TYPE = "a field is not a string"
    TEXT_EMPTY = "an empty name or species"
    TEXT_TOO_LONG = "a name or species too long"
    TEXT_UNSTORABLE = "a NUL or lone surrogate in a text"
    NOT_A_TIMESTAMP = "not a timestamp"
    TIMESTAMP_RANGE = "a timestamp out of range"
    LENGTH_ZERO = "a length of zero"
    TOO_LARGE = "a packet too large"
    TRUNCATED = "cut off by the end of the connection"
    STALLED = "stalled half-way"
    KILLED_PROCESS = "killed its process twice"
    REFUSED_BY_DATABASE = "refused by the database"
    NEW_SPECIES = "too many new species, and no room to set it aside"
