"""What every declared table shares: the metadata that holds them all, and the lengths of texts.

Tables are declared once as data: SQL, checks, column schemas and documents come from the declarations; the migrations
state the same tables as DDL, and a test proves that they agree.
"""

from sqlalchemy import MetaData

# The longest id seen in six years of lists has 72 characters. 191 is the most whose four-byte characters fit the 767
# bytes that the strictest InnoDB row format allows an index column.
ASSET_ID_LENGTH = 191
# The longest symbol seen has 50 characters, the longest name 88: one over-long newcomer must not stop a day.
SYMBOL_LENGTH = 255
NAME_LENGTH = 1000

metadata = MetaData()
"""All tables; the name of each is the last part of its Dagster asset's key."""
