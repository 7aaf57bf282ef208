# What docs/library.md quotes of the embeddable form.
add_executable(provisioner_bench provisioner_bench.cc provisioner_bare.cc)
target_link_libraries(provisioner_bench PRIVATE docktor_provisioner docktor_test_support)
