/* hb_eval_preprocess: a folder of images as the raw inputs of a well-known network. The vendor's documents
 * have the networks' names; the steps are those of the networks' public evaluation code. */
#include <string.h>

#include <vernier/prep.h>

#include "base/words.h"
#include "cli/compat/compat.h"

#define BYTES "; layout NHWC; dtype uint8"
#define IMAGENET(resized, size) "short_side " resized "; center_crop " size BYTES
#define IMAGENET_CUBIC(resized, size) \
    "short_side size=" resized " interpolation=bicubic; center_crop " size BYTES
#define LETTERBOX(size) "decode library=opencv; letterbox size=" size " library=opencv value=127" BYTES
#define STRETCHED(size) "decode library=opencv; resize size=" size " library=opencv" BYTES
#define CITYSCAPES STRETCHED("2048,1024")

static const struct {
    const char *name, *steps;
} networks[] = {
    { "mobilenetv1", IMAGENET("256", "224") },
    { "mobilenetv2", IMAGENET("256", "224") },
    { "resnet50", IMAGENET("256", "224") },
    { "resnet18", IMAGENET("256", "224") },
    { "googlenet", IMAGENET("256", "224") },
    { "efficientnet_lite0", IMAGENET_CUBIC("256", "224") },
    { "efficientnet_lite1", IMAGENET_CUBIC("272", "240") },
    { "efficientnet_lite2", IMAGENET_CUBIC("292", "260") },
    { "efficientnet_lite3", IMAGENET_CUBIC("312", "280") },
    { "efficientnet_lite4", IMAGENET_CUBIC("332", "300") },
    { "vargconvnet", IMAGENET("256", "224") },
    { "efficientnasnet_m", IMAGENET_CUBIC("332", "300") },
    { "efficientnasnet_s", IMAGENET_CUBIC("312", "280") },
    { "yolov2_darknet19", LETTERBOX("608") },
    { "yolov3_darknet53", LETTERBOX("416") },
    { "yolov5x", LETTERBOX("672") },
    { "yolov3_vargdarknet", LETTERBOX("416") },
    { "ssd_mobilenetv1", STRETCHED("300,300") },
    { "centernet_resnet101", LETTERBOX("512") },
    { "deeplabv3plus_efficientnetb0", CITYSCAPES },
    { "deeplabv3plus_efficientnetm1", CITYSCAPES },
    { "deeplabv3plus_efficientnetm2", CITYSCAPES },
    { "fastscnn_efficientnetb0", CITYSCAPES },
};
enum { COUNT = sizeof networks / sizeof *networks };

static const struct option_def options[] = {
    { "--model_name", 'm', "NAME", 0, 0,
      "network, such as mobilenetv1 or yolov5x; an unknown name prints the list" },
    { "--image_dir", 'i', "DIR", 0, 0, "folder of images" },
    { "--output_dir", 'o', "DIR", 0, 0,
      "folder for the .bin files: pixels in N,H,W,C, channels in the decoder's order" },
    { "--val_txt", 'v', "FILE", 0, 0, "convert only the images named in FILE (first word of each line)" },
    { 0 },
};

static int find_steps(const char **steps, const char *name, struct vn_arena *a, struct vn_err *e)
{
    const char *names[COUNT], *list = "";
    for (int i = 0; i < COUNT; i++) {
        names[i] = networks[i].name;
        list = vn_arena_fmt(a, "%s%s%s", list, i ? ", " : "", names[i]);
        if (!strcmp(names[i], name)) {
            *steps = networks[i].steps;
            return VN_OK;
        }
    }
    const char *near = vn_nearest(name, names, COUNT);
    return vn_fail(e, VN_E_USAGE, "--model_name: unknown network '%s'%s%s%s; known: %s", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct vn_prep_options o;
    struct vn_prepared *p;
    int n;
    const char *name = vn_opt("--model_name");
    vn_prep_options_default(&o);
    o.folder = vn_opt("--image_dir");
    o.output_dir = vn_opt("--output_dir");
    o.names = vn_opt("--val_txt");
    o.format = VN_PREP_BIN;
    if (!name || !o.folder || !o.output_dir)
        return vn_fail(e, VN_E_USAGE, "-m NAME, -i DIR and -o DIR are required");
    TRY(find_steps(&o.pipeline, name, a, e));
    TRY(vn_prep(&p, &o, e));
    vn_prep_files(p, &n);
    vn_prep_free(&p);
    printf("%d images written to %s\n", n, o.output_dir);
    return EXIT_DONE;
}

static const struct command preprocess = {
    "", "-m NAME -i DIR -o DIR", "convert images to raw inputs of a well-known network", options, 0, 0, run
};
static const struct command *const commands[] = { &preprocess };
const struct tool vn_tool_hb_eval_preprocess = { "hb_eval_preprocess", "", commands, 1, 0, NULL };
