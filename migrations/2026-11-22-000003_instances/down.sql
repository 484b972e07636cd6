DROP TABLE name_claims, instances;
