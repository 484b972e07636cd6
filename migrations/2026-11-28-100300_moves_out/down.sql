DROP TABLE moves_out;
