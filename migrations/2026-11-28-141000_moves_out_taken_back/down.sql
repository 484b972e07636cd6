-- Nobody asks for the rows of moves that were taken back.
SELECT 1;
