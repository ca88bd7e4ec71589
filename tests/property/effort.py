"""How hard hypothesis tries.

The same examples every time, so that a run that fails here fails everywhere.
`BIRDWATCHER_TEST_EXAMPLES=5000` asks for so many of each property instead, and new ones every time;
what then fails is printed in a form that can be kept as an `@example`.
"""

import os

from hypothesis import HealthCheck, Phase, settings

_ASKED_FOR = os.environ.get("BIRDWATCHER_TEST_EXAMPLES")

settings.register_profile(
    "birdwatcher",
    max_examples=int(_ASKED_FOR or 100),
    derandomize=_ASKED_FOR is None,
    database=None,
    # How long an example takes says more about the machine than about the program.
    deadline=None,
    # A failure is told in its smallest form, and not explained line by line, which takes minutes.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("birdwatcher")

# The models take many steps to get anywhere, and most lead nowhere.
OF_A_MODEL = settings(max_examples=int(_ASKED_FOR or 400))
