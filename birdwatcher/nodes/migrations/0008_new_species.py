import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0007_refused"),
    ]

    operations = [
        migrations.AddField(
            model_name="node",
            name="new_species_a_day",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How many new species its events may name in a day (UTC); what goes beyond is set aside until somebody looks at it. Empty: BIRDWATCHER_NEW_SPECIES_A_DAY.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000)],
                verbose_name="new species a day",
            ),
        ),
        migrations.AlterField(
            model_name="rejectedpacket",
            name="reason",
            field=models.CharField(
                choices=[
                    ("not UTF-8", "not UTF-8"),
                    ("not JSON", "not JSON"),
                    ("nested too deep", "nested too deep"),
                    ("a number too long", "a number too long"),
                    ("not a JSON object", "not a JSON object"),
                    ("a field is missing", "a field is missing"),
                    ("a field is not a string", "a field is not a string"),
                    ("an empty name or species", "an empty name or species"),
                    ("a name or species too long", "a name or species too long"),
                    ("a NUL or lone surrogate in a text", "a NUL or lone surrogate in a text"),
                    ("not a timestamp", "not a timestamp"),
                    ("a timestamp out of range", "a timestamp out of range"),
                    ("a length of zero", "a length of zero"),
                    ("a packet too large", "a packet too large"),
                    (
                        "cut off by the end of the connection",
                        "cut off by the end of the connection",
                    ),
                    ("stalled half-way", "stalled half-way"),
                    ("killed its process twice", "killed its process twice"),
                    ("refused by the database", "refused by the database"),
                    (
                        "too many new species, and no room to set it aside",
                        "too many new species, and no room to set it aside",
                    ),
                ],
                max_length=64,
            ),
        ),
    ]
