DROP INDEX CONCURRENTLY instances_farewells;
