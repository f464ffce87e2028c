# noqa: A005 - files of `assert_type`, which type checkers read and nobody runs or imports
