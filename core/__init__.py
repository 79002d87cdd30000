"""What every room stands on: settings, database, ids, money, pages, errors. Knows no domain."""
